//! The rules of Grafana's dashboard linter that apply, and some of our own.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::boards;
use crate::names::queries;
use crate::panel::CHOICE;

fn written() -> Vec<(&'static str, Value)> {
    boards::all().into_iter().map(|(name, board)| (name, board.write())).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value:#}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn dashboards_are_told_apart_and_not_edited_in_place() {
    let mut uids = BTreeSet::new();
    for (name, board) in written() {
        assert!(uids.insert(text(&board, "uid").to_owned()), "{name}: its uid is taken");
        assert!(text(&board, "title").starts_with("Samara: "), "{name}");
        assert!(text(&board, "description").len() > 10, "{name}");
        assert_eq!(board["editable"], false, "{name}");
        assert_eq!(list(&board, "tags"), ["samara"], "{name}");
        assert!(board["__inputs"].is_null(), "{name}: inputs do not work when provisioned");
        assert!(!list(&board, "annotations").is_empty() || board["annotations"]["list"].is_array());
    }
}

#[test]
fn nodes_are_chosen_by_variables_that_follow_the_time_range() {
    for (name, board) in written() {
        let variables = list(&board["templating"], "list");
        let names: Vec<&str> = variables.iter().map(|one| text(one, "name")).collect();
        assert_eq!(names, ["datasource", "cluster", "job", "instance"], "{name}");
        assert_eq!(text(&variables[0], "type"), "datasource");
        assert_eq!(text(&variables[0], "query"), "prometheus");
        for variable in &variables[1..] {
            let of = text(variable, "name");
            assert_eq!(text(variable, "type"), "query", "{name}: {of}");
            assert_eq!(variable["datasource"]["uid"], "$datasource", "{name}: {of}");
            assert_eq!(variable["refresh"], 2, "{name}: {of} is read again with the time range");
            assert_eq!((&variable["multi"], &variable["includeAll"]), (&true.into(), &true.into()));
            // A list of a thousand nodes would be a query of 30 kB.
            let all = if of == "cluster" { ".*" } else { ".+" };
            assert_eq!(text(variable, "allValue"), all, "{name}: {of}");
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    for (name, board) in written() {
        let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
        for panel in list(&board, "panels") {
            assert!(ids.insert(panel["id"].as_u64().expect("a number")), "{name}: {panel:#}");
            let kind = text(panel, "type");
            if kind == "row" || kind == "text" {
                continue;
            }
            let title = text(panel, "title");
            assert!(titles.insert(title), "{name}: {title} twice");
            assert!(text(panel, "description").len() > 10, "{name}: {title}");
            assert!(!text(&panel["fieldConfig"]["defaults"], "unit").is_empty(), "{name}: {title}");
            assert_eq!(panel["datasource"]["uid"], "$datasource", "{name}: {title}");
            assert!(panel["repeat"].is_null(), "{name}: {title}: no panel per node");
            assert!(!list(panel, "targets").is_empty(), "{name}: {title} shows nothing");
            for target in list(panel, "targets") {
                assert_eq!(target["datasource"]["uid"], "$datasource", "{name}: {title}");
            }
        }
    }
}

#[test]
fn panels_lie_beside_each_other_and_inside_the_grid() {
    for (name, board) in written() {
        let mut taken = BTreeSet::new();
        for panel in list(&board, "panels") {
            let of = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
            assert!(of("x") + of("w") <= 24, "{name}: {panel:#}");
            for x in of("x")..of("x") + of("w") {
                for y in of("y")..of("y") + of("h") {
                    assert!(taken.insert((x, y)), "{name}: two panels at {x}, {y}");
                }
            }
        }
    }
}

#[test]
fn every_query_is_of_the_chosen_nodes_and_over_the_right_time() {
    for (place, query) in queries() {
        assert!(query.contains(CHOICE), "{place}: {query}");
        assert!(!query.contains("$S"), "{place}: {query}");
        assert_eq!(query.matches('(').count(), query.matches(')').count(), "{place}: {query}");
        // What happens rarely is looked at over an hour.
        for (at, _) in query.match_indices('[') {
            let window = query[at..].split(']').next().unwrap_or_default();
            assert!(["[$__rate_interval", "[1h"].contains(&window), "{place}: {query}");
        }
    }
}

#[test]
fn no_panel_draws_a_line_per_node() {
    for (place, query) in queries() {
        // What adds up, or takes the most of something, keeps no node, unless it is told to; ten worst are a table.
        let sums = ["sum", "max", "min", "avg", "count", "quantile", "histogram_quantile"];
        let start = query.split(['(', ' ']).next().unwrap_or_default();
        let few = query.starts_with("topk(10,") || query.starts_with("bottomk(10,");
        let keeps = query
            .split("by (")
            .skip(1)
            .any(|rest| rest.split(')').next().is_some_and(|labels| labels.contains("instance")));
        assert!(few || (sums.contains(&start) && !keeps), "{place}: {query}");
    }
}
