//! Rules: each alert has its words, its test and its runbook, and what these point to is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::boards;
use crate::names::{read, recorded};

const SECTIONS: [&str; 4] = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"];

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Name of each alert, and its lines.
fn alerts() -> Vec<(String, String)> {
    let rules = read("rules/alerts.yml");
    let parts = rules.split("- alert: ").skip(1);
    parts
        .map(|part| {
            let name = part.lines().next().unwrap_or_default().trim().to_owned();
            (name, part.to_owned())
        })
        .collect()
}

#[test]
fn every_alert_has_its_words_its_test_and_its_runbook() {
    let tests = read("rules/tests/alerts_test.yml");
    let uids: BTreeSet<&str> = boards::all().iter().map(|(_, board)| board.uid).collect();
    assert!(alerts().len() >= 12, "{}", alerts().len());
    for (name, text) in alerts() {
        assert!(name.starts_with("Samara"), "{name}");
        let line = |key: &str| {
            let found = text.lines().find_map(|line| line.trim().strip_prefix(key));
            found.unwrap_or_else(|| panic!("{name} has no {key}")).trim().to_owned()
        };
        assert!(["critical", "warning", "info"].contains(&line("severity:").as_str()), "{name}");
        assert!(line("summary:").len() > 10 && line("description:").len() > 10, "{name}");
        assert_eq!(line("runbook_url:"), format!("dashboards/runbooks/{name}.md"));
        let link = root().join(line("runbook_url:"));
        assert!(link.is_file(), "{name}: there is no {}", link.display());
        let uid = line("dashboard_url:");
        assert!(uid.strip_prefix("/d/").is_some_and(|uid| uids.contains(uid)), "{name}: {uid}");
        let of_it = format!("alertname: {name}\n        exp_alerts:");
        assert!(tests.contains(&format!("{of_it} []")), "no test says when {name} is quiet");
        assert!(tests.contains(&format!("{of_it}\n")), "no test says when {name} fires");
        let runbook = read(&format!("runbooks/{name}.md"));
        let places = SECTIONS.map(|section| runbook.find(section));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}: {places:?}");
    }
}

#[test]
fn every_runbook_belongs_to_an_alert_and_names_what_is_there() {
    let names: BTreeSet<String> = alerts().into_iter().map(|(name, _)| name).collect();
    let mut titles = BTreeSet::new();
    for (_, board) in boards::all() {
        titles.insert(board.title.to_owned());
        for panel in board.write()["panels"].as_array().expect("panels") {
            titles.insert(panel["title"].as_str().expect("a title").to_owned());
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    for entry in std::fs::read_dir(folder).expect("the runbooks") {
        let file = entry.expect("readable").file_name().into_string().expect("a plain name");
        let name = file.trim_end_matches(".md");
        assert!(names.contains(name), "{file} belongs to no alert");
        let text = read(&format!("runbooks/{file}")).replace("\n   ", " ");
        for quoted in text.split('"').skip(1).step_by(2) {
            let known = titles.contains(quoted) || text.contains(&format!("=\"{quoted}\""));
            let value = quoted.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(known || value, "{file}: there is no panel or dashboard \"{quoted}\"");
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(names.contains(link.trim_end_matches(".md")), "{file}: no {link}");
        }
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let files = |folder: &str| {
        let entries = std::fs::read_dir(root().join(folder)).expect("a folder");
        entries.map(|entry| entry.expect("readable").path())
    };
    let folders = ["dashboards", "dashboards/runbooks", "docs/monitoring"];
    let pages = folders.into_iter().flat_map(files);
    let mut count = 0;
    for page in pages.filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(&page).expect("readable");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if link.is_empty() || link.contains("://") {
                continue;
            }
            count += 1;
            let target = page.parent().expect("a folder").join(link);
            assert!(target.exists(), "{}: there is no {link}", page.display());
        }
    }
    assert!(count > 10, "only {count} links");
}

#[test]
fn every_recorded_series_has_a_test() {
    let tests = read("rules/tests/recording_test.yml");
    for name in recorded() {
        assert!(tests.contains(&name), "{name} has no test");
    }
}

/// Runs promtool here; false where it is missing.
fn promtool(test: &str, args: &[&str]) -> bool {
    let ran = Command::new("promtool").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let Ok(output) = ran else {
        println!("skipped: {test} (needs promtool, Debian package prometheus)");
        return false;
    };
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "promtool {args:?}: {said}");
    true
}

#[test]
fn promtool_accepts_the_rules_and_their_tests_pass() {
    let name = "promtool_accepts_the_rules_and_their_tests_pass";
    let files = ["rules/recording.yml", "rules/alerts.yml"];
    if promtool(name, &[&["check", "rules", "--lint-fatal"], &files[..]].concat()) {
        promtool(name, &["test", "rules", "rules/tests/alerts_test.yml"]);
        promtool(name, &["test", "rules", "rules/tests/recording_test.yml"]);
        promtool(name, &["check", "config", "provisioning/prometheus.yml"]);
    }
}
