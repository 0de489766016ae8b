//! Who decides, who is compared, and for which reasons.

use ratatui::text::{Line, Span};
use samara_node::PolicyRow;
use samara_node::documents::DecisionDocument;

use super::Look;
use super::section::{Section, wrapped};
use super::table::{Column, left, right, table};
use crate::top::gather::Seen;

const FIRST: Column = left("", 16, 0);
const COLUMNS: [Column; 6] = [
    left("STATE", 12, 0),
    left("ROLE", 6, 5),
    right("CALLS", 9, 1),
    right("P99", 9, 3),
    right("FALLBACKS", 9, 2),
    right("AGREES", 6, 4),
];

pub fn sections(seen: &Seen, width: u16) -> Vec<Section> {
    let policy = &seen.policy;
    let condition =
        if policy.quarantined { "quarantined" } else { policy.active.condition.as_str() };
    let mut rows = vec![row("active", &policy.active, condition)];
    rows.extend(policy.shadow.iter().map(|shadow| row("shadow", shadow, &shadow.condition)));
    let count = rows.len();
    let table = table(FIRST, "POLICY".to_owned(), &COLUMNS, rows, width);
    let mut lines = Vec::new();
    if let Some(fault) = &policy.active.last_fault {
        lines.extend(wrapped(Look::Bad, &format!("its last fault: it {fault}"), width));
    }
    lines.extend(reasons(seen));
    let least = usize::from(policy.active.last_fault.is_some());
    vec![Section::table(5, table, count, None), Section::lines(7, least, lines)]
}

fn reasons(seen: &Seen) -> Option<Line<'static>> {
    let decisions = &seen.map.as_ref().filter(|map| !map.decisions.is_empty())?.decisions;
    let reason = |one: &DecisionDocument| {
        let code = one.code.map_or("others".to_owned(), |code| code.to_string());
        format!("{} {code}: {}", one.hook, one.count)
    };
    let reasons: Vec<String> = decisions.iter().map(reason).collect();
    Some(Line::from(vec![Look::Dim.of("reasons "), Look::Plain.of(reasons.join("  "))]))
}

fn row(role: &str, row: &PolicyRow, condition: &str) -> Vec<Span<'static>> {
    let fallbacks: u64 = row.hooks.iter().flat_map(|hook| hook.fallbacks.values()).sum();
    let slowest = row.hooks.iter().map(|hook| hook.p99_us).max().unwrap_or(0);
    let (same, differs) = row
        .hooks
        .iter()
        .fold((0, 0), |(same, differs), hook| (same + hook.same, differs + hook.differs));
    let agrees = match same + differs {
        0 => String::new(),
        all => format!("{}%", same * 100 / all),
    };
    vec![
        Look::Plain.of(format!("{} {}", row.policy.name, row.policy.version)),
        if condition == "trusted" { Look::Good } else { Look::Bad }.of(condition),
        Look::Plain.of(role),
        Look::Plain.of(row.calls.to_string()),
        Look::Plain.of(format!("{slowest} us")),
        Look::Plain.of(fallbacks.to_string()),
        Look::Plain.of(agrees),
    ]
}
