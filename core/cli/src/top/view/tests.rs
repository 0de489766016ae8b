use std::collections::BTreeMap;

use samara_node::documents::{
    ActivePolicyDocument, ContentDocument, DecisionDocument, LimitsDocument, MapDocument,
    PeerDocument, ProcessDocument, ReasonDocument, StatusDocument, StorageDocument,
    StretchDocument, TrafficDocument, WaitingDocument, WhyDocument,
};
use samara_node::{PolicyName, PolicyRow, PolicyStatus};

use super::*;
use crate::top::gather::Peer;

fn status() -> StatusDocument {
    StatusDocument {
        version: 1,
        samara: "0.1.0".to_owned(),
        state: "ready".to_owned(),
        peer: "0123456789abcdef".to_owned(),
        cluster: "samara".to_owned(),
        listen: "127.0.0.1:7300".to_owned(),
        advertise: "127.0.0.1:7300".to_owned(),
        roles: vec!["peer".to_owned()],
        labels: BTreeMap::new(),
        uptime_seconds: 5.0,
        members: Some(3),
        links: 2,
        contents: BTreeMap::new(),
        waiting_count: 0,
        waiting: Vec::new(),
        traffic: TrafficDocument::default(),
        limits: LimitsDocument::default(),
        storage: StorageDocument::default(),
        policy: ActivePolicyDocument::default(),
        process: ProcessDocument::default(),
    }
}

fn policy(name: &str) -> PolicyRow {
    PolicyRow {
        policy: PolicyName {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            id: "built-in".to_owned(),
            file: String::new(),
        },
        parameters: BTreeMap::new(),
        condition: "trusted".to_owned(),
        calls: 7,
        memory_bytes: 0,
        hooks: Vec::new(),
        last_fault: None,
    }
}

fn content(name: &str) -> ContentDocument {
    ContentDocument {
        content: Some(format!("id of {name}")),
        release: Some(name.to_owned()),
        state: "transferring".to_owned(),
        size_bytes: 100,
        done_bytes: 50,
        chunks: 8,
        chunks_here: 4,
        ..ContentDocument::default()
    }
}

fn peer(address: &str, rate: f64) -> Peer {
    let document = PeerDocument {
        peer: address.to_owned(),
        address: address.to_owned(),
        labels: BTreeMap::new(),
        permille: 500,
        chunks: None,
        source: "neighbour".to_owned(),
        age_seconds: 0.0,
    };
    Peer { document, received_per_second: rate, sent_per_second: 0.0 }
}

/// A node with these contents, in trouble with the first one.
fn seen(names: &[&str]) -> Seen {
    let stretch = |here| StretchDocument { chunks: 2, here, coming: 0, least_holders: here };
    let reason = ReasonDocument {
        code: "nobody-has-the-rest".to_owned(),
        text: "nobody here has the rest".to_owned(),
        remedy: "start a node that has it".to_owned(),
    };
    let decision = DecisionDocument { hook: "offers".to_owned(), code: Some(3), count: 9 };
    Seen {
        status: status(),
        contents: names.iter().map(|name| content(name)).collect(),
        policy: PolicyStatus {
            version: 1,
            generation: 0,
            active: policy("balanced"),
            quarantined: false,
            shadow: None,
            previous: None,
        },
        of: names.first().map(|name| format!("id of {name}")),
        map: Some(MapDocument {
            version: 1,
            chunks: 8,
            stretches: vec![stretch(2), stretch(1), stretch(1), stretch(0)],
            decisions: vec![decision],
        }),
        why: Some(WhyDocument { reasons: vec![reason], ..WhyDocument::default() }),
        peers: vec![peer("10.0.0.1:7300", 1.0), peer("10.0.0.2:7300", 5e6)],
        gone: None,
    }
}

fn rows(seen: &Seen, width: u16, height: u16) -> Vec<String> {
    let choice = Choice::first(seen);
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    Picture { seen, choice: &choice, paused: false }.render(area, &mut buffer);
    buffer.content.chunks(usize::from(width)).map(text_of).collect()
}

#[test]
fn everything_is_seen_where_there_is_room() {
    let seen = seen(&["model@1", "other@1"]);
    let text = rows(&seen, 120, 40).join("\n");
    for words in [
        "samara  ready  127.0.0.1:7300  0123456789ab  up 5",
        "2 CONTENTS",
        "model@1",
        "4 of 8 chunks here",
        "why: nobody here has the rest",
        "start a node that has it",
        "chunks █▒▒·",
        "copies 2110",
        "2 PEERS",
        "balanced 1.0.0",
        "trusted",
        "reasons offers 3: 9",
        "q quit",
    ] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    let (fast, slow) = (text.find("10.0.0.2:7300"), text.find("10.0.0.1:7300"));
    assert!(fast < slow, "who moves most is first:\n{text}");
}

#[test]
fn a_small_terminal_shows_what_matters_most() {
    let seen = seen(&["model@1", "other@1"]);
    let rows = rows(&seen, 40, 10);
    let text = rows.join("\n");
    let needed = ["samara  ready", "model@1", "50%", "transferring", "why: nobody", "chunks █▒▒·"];
    for words in needed {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    assert!(rows[9].starts_with("q quit"), "{text}");
}

#[test]
fn the_chosen_content_is_always_listed() {
    let names: Vec<String> = (0..200).map(|number| format!("model@{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let seen = seen(&names);
    let mut choice = Choice::first(&seen);
    (0..150).for_each(|_| choice.down(&seen));
    let area = Rect::new(0, 0, 60, 12);
    let mut buffer = Buffer::empty(area);
    Picture { seen: &seen, choice: &choice, paused: true }.render(area, &mut buffer);
    let text: Vec<String> = buffer.content.chunks(60).map(text_of).collect();
    let text = text.join("\n");
    assert!(text.contains("200 CONTENTS") && text.contains("model@150 "), "{text}");
    assert!(!text.contains("why: "), "what is known of another content is not shown:\n{text}");
    assert!(text.contains("stopped"), "{text}");
}

#[test]
fn a_picture_that_is_old_says_so_first_even_where_there_is_little_room() {
    let mut seen = seen(&["model@1"]);
    seen.gone = Some("no node answers".to_owned());
    let rows = rows(&seen, 40, 4);
    assert!(rows[0].starts_with("the picture is old: no node answers"), "{rows:?}");
}

#[test]
fn what_waits_for_too_long_is_told_at_the_top() {
    let mut seen = seen(&["model@1"]);
    seen.status.waiting_count = 1;
    let (content, code) = ("late@1".to_owned(), "unknown-name".to_owned());
    seen.status.waiting = vec![WaitingDocument { content, code, seconds: 95.0 }];
    let text = rows(&seen, 120, 20).join("\n");
    assert!(text.contains("waiting: late@1 for 95.0 s (nobody knows this name)"), "{text}");
}

#[test]
fn a_content_that_is_being_resolved_stays_chosen_when_its_id_is_known() {
    let mut before = seen(&["model@1", "other@1"]);
    before.contents[1].content = None;
    let mut choice = Choice::first(&before);
    choice.down(&before);
    let after = seen(&["model@1", "other@1"]);
    choice.keep_valid(&after);
    assert_eq!(choice.place(&after), Some(1));
}

#[test]
fn a_chunk_map_calls_nothing_full_or_empty_that_is_not() {
    let stretch =
        |here, least| StretchDocument { chunks: 100, here, coming: 0, least_holders: least };
    let stretches = vec![stretch(0, 0), stretch(1, 9), stretch(99, 10), stretch(100, 4)];
    let map = MapDocument { stretches, ..MapDocument::default() };
    assert_eq!(chunks::map_of(&map, 80), ("·░▓█".to_owned(), "09+4".to_owned()));
    assert_eq!(chunks::map_of(&map, 2), ("░▓".to_owned(), "04".to_owned()));
}

#[test]
fn names_from_others_never_command_the_terminal() {
    let seen = seen(&["na\x1b[2Jme\u{202e}@1"]);
    let text = rows(&seen, 100, 30).join("\n");
    assert!(text.contains("na\u{fffd}[2Jme\u{fffd}@1"), "{text:?}");
    assert!(!text.contains(['\x1b', '\u{202e}']), "{text:?}");
}

/// Numbers that look random and are the same in every run.
struct Numbers(blake3::OutputReader);

impl Numbers {
    fn next(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Small, huge, or something between.
    fn any_size(&mut self) -> u64 {
        let shift = self.below(65) as u32;
        self.next().checked_shr(shift).unwrap_or(0)
    }

    fn name(&mut self) -> String {
        let signs =
            ['a', '@', '1', ' ', '界', '\u{301}', '\u{200d}', '\u{1b}', '\n', '👩', '\u{202e}'];
        (0..self.below(40)).map(|_| signs[self.below(signs.len() as u64) as usize]).collect()
    }
}

/// Whatever a node answers and however small the terminal is, something is drawn and nothing panics.
#[test]
fn any_node_is_drawn_on_any_terminal() {
    let mut numbers = Numbers(blake3::Hasher::new().finalize_xof());
    for round in 0..1000 {
        let names: Vec<String> = (0..numbers.below(20)).map(|_| numbers.name()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (width, height) = (numbers.below(200) as u16, numbers.below(60) as u16);
        let mut seen = seen(&names);
        for one in &mut seen.contents {
            (one.size_bytes, one.done_bytes) = (numbers.any_size(), numbers.any_size());
            one.received_bytes_per_second = numbers.any_size();
        }
        seen.status.uptime_seconds = numbers.any_size() as f64;
        seen.policy.shadow = Some(policy(&numbers.name()));
        seen.policy.active.last_fault = Some(numbers.name());
        let rate = if round % 5 == 0 { f64::NAN } else { f64::from_bits(numbers.next()) };
        seen.peers.push(peer(&numbers.name(), rate));
        let (chunks, here) = (numbers.any_size() as u32, numbers.any_size() as u32);
        let stretch = StretchDocument { chunks, here, coming: here, least_holders: here };
        seen.map.iter_mut().for_each(|map| map.stretches.push(stretch.clone()));
        seen.gone = names.first().map(|name| (*name).to_owned());
        let choice = Choice::first(&seen);
        let picture = Picture { seen: &seen, choice: &choice, paused: true };
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        picture.render(area, &mut buffer);
        if width > 0 {
            assert!(!picture.plain(width).contains('\u{1b}'), "round {round}");
        }
        if width >= 40 && height >= 2 {
            let last = text_of(&buffer.content[buffer.content.len() - usize::from(width)..]);
            assert!(last.contains("stopped"), "round {round}: {last:?}");
        }
    }
}
