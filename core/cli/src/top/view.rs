//! The picture: what was seen, as lines. Nothing here asks or draws.

use std::time::Duration;

use samara_model::ByteCount;
use samara_node::PolicyRow;
use samara_node::documents::{ContentDocument, MapDocument};

use super::gather::{Peer, Seen};
use super::line::{Line, Look};
use crate::status::short;
use crate::units;

/// Contents that are listed at a time.
const LISTED: usize = 12;
/// Width of a progress bar.
const BAR: usize = 20;

/// Which content is looked at.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    key: Option<String>,
}

impl Choice {
    /// The content, if there is one.
    pub fn content<'a>(&self, seen: &'a Seen) -> Option<&'a ContentDocument> {
        seen.contents.get(self.place(seen)?)
    }

    fn place(&self, seen: &Seen) -> Option<usize> {
        let key = self.key.as_ref()?;
        seen.contents.iter().position(|one| key_of(one) == *key)
    }

    /// Something that is there: what was chosen, or what is under way, or the first.
    pub fn keep_valid(&mut self, seen: &Seen) {
        if self.place(seen).is_none() {
            let moving = seen.contents.iter().find(|one| one.state != "complete");
            self.key = moving.or(seen.contents.first()).map(key_of);
        }
    }

    pub fn up(&mut self, seen: &Seen) {
        self.go_to(seen, self.place(seen).map(|place| place.saturating_sub(1)));
    }

    pub fn down(&mut self, seen: &Seen) {
        self.go_to(seen, self.place(seen).map(|place| place + 1));
    }

    fn go_to(&mut self, seen: &Seen, place: Option<usize>) {
        if let Some(one) = place.and_then(|place| seen.contents.get(place)) {
            self.key = Some(key_of(one));
        }
    }
}

fn key_of(one: &ContentDocument) -> String {
    let known = one.content.clone().or_else(|| one.release.clone());
    known.unwrap_or_else(|| one.path.display().to_string())
}

fn name_of(one: &ContentDocument) -> String {
    one.release.clone().unwrap_or_else(|| short(&key_of(one)).to_owned())
}

/// Everything, for a screen of this size.
pub fn picture(seen: &Seen, choice: &Choice, width: usize, height: usize) -> Vec<Line> {
    let mut lines = head(seen);
    lines.extend(contents(seen, choice));
    if let Some(one) = choice.content(seen) {
        lines.push(Line::default());
        lines.extend(detail(one, seen, width));
        lines.extend(peers(&seen.peers));
    }
    lines.push(Line::default());
    lines.extend(policies(seen));
    lines.truncate(height);
    lines
}

/// The last line.
pub fn keys(paused: bool) -> Line {
    let line = Line::of(Look::Dim, "up/down choose   space stop/go on   q quit");
    if paused { line.and(Look::Bad, "   stopped") } else { line }
}

fn head(seen: &Seen) -> Vec<Line> {
    let status = &seen.status;
    let up = units::for_people(Duration::from_secs_f64(status.uptime_seconds.max(0.0)));
    let first = Line::of(Look::Bold, "samara ")
        .and(Look::Plain, format!("{} {} ", short(&status.peer), status.advertise))
        .and(if status.state == "ready" { Look::Good } else { Look::Bad }, &status.state)
        .and(Look::Plain, format!("  up {up}  cluster {}", status.cluster));
    let members = status.members.map_or(String::new(), |count| format!("{count} members  "));
    let free = status.storage.free_bytes.map_or("?".to_owned(), |free| ByteCount(free).to_string());
    let second = Line::of(
        Look::Plain,
        format!(
            "{members}{} links  in {}  out {}  free {free}  memory {}",
            status.links,
            units::speed(status.traffic.received_bytes_per_second as f64),
            units::speed(status.traffic.sent_bytes_per_second as f64),
            ByteCount(status.process.resident_bytes),
        ),
    );
    let mut lines = vec![first, second];
    if let Some(why) = &seen.gone {
        lines.push(Line::of(Look::Bad, format!("the picture is old: {why}")));
    }
    lines.push(Line::default());
    lines
}

fn contents(seen: &Seen, choice: &Choice) -> Vec<Line> {
    if seen.contents.is_empty() {
        return vec![Line::of(
            Look::Dim,
            "no contents: `samara publish` or `samara fetch` adds one",
        )];
    }
    let columns = format!(
        "  {:<24} {:<13} {:<26} {:>10} {:>10} {:>10} {:>5}",
        "CONTENT", "STATE", "DONE", "SIZE", "IN", "OUT", "PEERS"
    );
    let mut lines = vec![Line::of(Look::Dim, columns)];
    let chosen = choice.place(seen).unwrap_or(0);
    let first = chosen.saturating_sub(LISTED - 1);
    for (place, one) in seen.contents.iter().enumerate().skip(first).take(LISTED) {
        let (mark, look) = if place == chosen { (">", Look::Chosen) } else { (" ", Look::Plain) };
        lines.push(
            Line::of(look, format!("{mark} {:<24} ", cut(&name_of(one), 24)))
                .and(look_of(&one.state), format!("{:<13} ", one.state))
                .and(Look::Plain, rest_of_row(one)),
        );
    }
    if seen.contents.len() > LISTED {
        let text = format!("  {} contents in all", seen.contents.len());
        lines.push(Line::of(Look::Dim, text));
    }
    lines
}

fn rest_of_row(one: &ContentDocument) -> String {
    let part = done(one);
    let full = (part * BAR as f64) as usize;
    let bar: String = "#".repeat(full.min(BAR)) + &"-".repeat(BAR - full.min(BAR));
    format!(
        "{bar} {:>4.0}% {:>10} {:>10} {:>10} {:>5}",
        (part * 100.0).floor(),
        ByteCount(one.size_bytes).to_string(),
        units::speed(one.received_bytes_per_second as f64),
        units::speed(one.sent_bytes_per_second as f64),
        one.neighbours
    )
}

fn done(one: &ContentDocument) -> f64 {
    match one.size_bytes {
        0 => f64::from(u8::from(one.state == "complete")),
        size => one.done_bytes as f64 / size as f64,
    }
}

fn look_of(state: &str) -> Look {
    match state {
        "complete" => Look::Good,
        "parked" | "failed" | "withdrawn" => Look::Bad,
        _ => Look::Plain,
    }
}

/// The chosen content: why it waits, and its chunks.
fn detail(one: &ContentDocument, seen: &Seen, width: usize) -> Vec<Line> {
    let chunks = format!("{} of {} chunks here", one.chunks_here, one.chunks);
    let mut lines =
        vec![Line::of(Look::Bold, name_of(one)).and(Look::Plain, format!("  {chunks}"))];
    let why = seen.why.iter().flat_map(|why| &why.reasons);
    for reason in why.filter(|one| !["moving", "over"].contains(&one.code.as_str())) {
        lines.push(
            Line::of(Look::Bad, format!("why: {}", reason.text))
                .and(Look::Plain, format!("  {}", reason.remedy)),
        );
    }
    if let Some(map) = seen.map.as_ref().filter(|map| !map.stretches.is_empty()) {
        let cells = width.saturating_sub(9).clamp(10, 200);
        lines.push(Line::of(Look::Dim, "chunks   ").and(Look::Good, here(map, cells)));
        lines.push(Line::of(Look::Dim, "copies   ").and(Look::Plain, copies(map, cells)));
    }
    lines
}

/// How full each part of the content is.
fn here(map: &MapDocument, cells: usize) -> String {
    const STEPS: [char; 5] = [' ', '░', '▒', '▓', '█'];
    let cell = |part: &[samara_node::documents::StretchDocument]| {
        let (here, all) = part.iter().fold((0, 0), |(h, a), one| (h + one.here, a + one.chunks));
        if here == all { STEPS[4] } else { STEPS[(here * 4 / all.max(1)) as usize] }
    };
    parts(map, cells).map(cell).collect()
}

/// How many neighbours have the rarest chunk of each part.
fn copies(map: &MapDocument, cells: usize) -> String {
    let cell = |part: &[samara_node::documents::StretchDocument]| {
        let least = part.iter().map(|one| one.least_holders).min().unwrap_or(0);
        char::from_digit(least, 10).unwrap_or('+')
    };
    parts(map, cells).map(cell).collect()
}

/// The stretches in at most so many groups.
fn parts(
    map: &MapDocument,
    cells: usize,
) -> impl Iterator<Item = &[samara_node::documents::StretchDocument]> {
    map.stretches.chunks(map.stretches.len().div_ceil(cells.max(1)).max(1))
}

fn peers(peers: &[Peer]) -> Vec<Line> {
    let columns = format!(
        "  {:<28} {:>6} {:>12} {:>12}  {:<10} {:>6}",
        "PEER", "HAS", "IN", "OUT", "KNOWN BY", "NEWS"
    );
    let mut lines = vec![Line::of(Look::Dim, columns)];
    lines.extend(peers.iter().map(|one| {
        let document = &one.document;
        let text = format!(
            "  {:<28} {:>5.1}% {:>12} {:>12}  {:<10} {:>5.0}s",
            cut(&document.address, 28),
            f64::from(document.permille) / 10.0,
            units::speed(one.received_per_second),
            units::speed(one.sent_per_second),
            document.source,
            document.age_seconds
        );
        Line::of(if document.source == "neighbour" { Look::Plain } else { Look::Dim }, text)
    }));
    lines
}

fn policies(seen: &Seen) -> Vec<Line> {
    let policy = &seen.policy;
    let condition =
        if policy.quarantined { "quarantined" } else { policy.active.condition.as_str() };
    let mut lines = vec![one_policy("policy", &policy.active, condition)];
    if let Some(shadow) = &policy.shadow {
        lines.push(one_policy("shadow", shadow, &shadow.condition));
    }
    if let Some(fault) = &policy.active.last_fault {
        lines.push(Line::of(Look::Bad, format!("         its last fault: it {fault}")));
    }
    if let Some(map) = seen.map.as_ref().filter(|map| !map.decisions.is_empty()) {
        let reason = |one: &samara_node::documents::DecisionDocument| {
            let code = one.code.map_or("others".to_owned(), |code| code.to_string());
            format!("{} {code}: {}", one.hook, one.count)
        };
        let reasons: Vec<String> = map.decisions.iter().map(reason).collect();
        lines.push(Line::of(Look::Dim, "reasons  ").and(Look::Plain, reasons.join("  ")));
    }
    lines
}

fn one_policy(role: &str, row: &PolicyRow, condition: &str) -> Line {
    let fallbacks: u64 = row.hooks.iter().flat_map(|hook| hook.fallbacks.values()).sum();
    let slowest = row.hooks.iter().map(|hook| hook.p99_us).max().unwrap_or(0);
    let (same, differs) = row
        .hooks
        .iter()
        .fold((0, 0), |(same, differs), hook| (same + hook.same, differs + hook.differs));
    let agrees = match same + differs {
        0 => String::new(),
        all => format!("  agrees {}%", same * 100 / all),
    };
    let look = if condition == "trusted" { Look::Good } else { Look::Bad };
    Line::of(Look::Dim, format!("{role:<8} "))
        .and(Look::Plain, format!("{} {}  ", row.policy.name, row.policy.version))
        .and(look, condition)
        .and(
            Look::Plain,
            format!(
                "  {} calls  99 of 100 within {slowest} us  {fallbacks} fallbacks{agrees}",
                row.calls
            ),
        )
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}
