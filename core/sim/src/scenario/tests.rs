use super::*;
use proptest::prelude::*;

const SMALL: &str = r#"
name = "small"
[[content]]
size = "4 MiB"
chunk = "1 MiB"
[peers]
count = 4
rate = "1 Gbit/s"
"#;

/// `SMALL` with `from` replaced by `to`, or with `to` at its end, is refused at `line` with these words.
fn check_refused(from: &str, to: &str, line: usize, words: &str) {
    let text = if from.is_empty() { format!("{SMALL}{to}") } else { SMALL.replace(from, to) };
    let error = Scenario::parse(&text).expect_err(&text);
    assert_eq!(error.line, line, "{error} in {text}");
    assert!(error.what.contains(words), "{error}");
    assert!(!error.what.contains('\n'), "one sentence: {error}");
}

#[test]
fn a_small_scenario_is_read_with_what_is_usual() {
    let scenario = Scenario::parse(SMALL).expect("a scenario");
    assert_eq!(scenario.contents[0].chunks(), 4);
    let chunk_time = scenario.chunk_time();
    assert_eq!(chunk_time, 8_388_608);
    assert_eq!(scenario.latency, (chunk_time / 10, 0));
    assert_eq!(scenario.policy, "balanced");
    assert_eq!((scenario.discovery, scenario.trackers), (Discovery::Tracker, 1));
}

#[test]
fn what_cannot_be_is_refused_with_its_line() {
    check_refused("1 Gbit/s", "0 Gbit/s", 8, "nothing ever arrives");
    check_refused("1 Gbit/s", "fast", 8, "`fast` is not a rate");
    check_refused("count = 4", "count = 0", 7, "1 to 20000 peers");
    check_refused("4 MiB", "0 B", 4, "empty content");
    check_refused("chunk = \"1 MiB\"", "chunk = \"1 B\"", 5, "4194304 chunks");
    check_refused("rate =", "speed =", 8, "unknown field `speed`");
    check_refused("", "[topology]\nracks = 9\n", 10, "9 racks cannot be filled by 4 peers");
    check_refused("", "[topology]\noversubscription = 4.0\n", 10, "needs `racks");
    check_refused("", "[topology]\nzones = 2\n", 10, "need `zone_rate");
    check_refused(
        "",
        "[policy]\nname = \"luck\"\n",
        10,
        "there is no policy `luck`; there is balanced",
    );
    check_refused("", "[expect]\nbeauty = \">= 1\"\n", 10, "the report has no figure `beauty`");
    check_refused("", "[expect]\nfinished = \"4\"\n", 10, "`4` is not a bound");
    check_refused(
        "",
        "[[fault]]\nkind = \"crash\"\nwho = \"9\"\n",
        9,
        "more peers than there are (4)",
    );
    check_refused("", "[[fault]]\nkind = \"corrupt\"\nwho = \"tracker\"\n", 9, "only crash");
    check_refused("", "[[fault]]\nkind = \"rain\"\n", 10, "unknown variant `rain`");
    check_refused(
        "",
        "[[group]]\nwho = \"5\"\nup = \"1 Mbit/s\"\n",
        10,
        "the groups have 5 members",
    );
    check_refused("", "[discovery]\nby = \"origin\"\ntrackers = 2\n", 11, "of no use here");
    check_refused("", "[engine]\nupload_slots = 0\n", 10, "1 to 1000");
    check_refused("", "[network]\nhash = \"0 GB/s\"\n", 10, "a rate above zero");
    check_refused("name = \"small\"", "name = ", 2, "");
}

#[test]
fn a_drawn_scenario_belongs_to_its_random_seed() {
    let text = format!("{SMALL}[random]\npeers = [2, 9]\nchunks = [1, 50]\nfaults = [1, 3]\n");
    let scenario = Scenario::parse(&text).expect("a scenario");
    let drawn = |seed| format!("{:?}", scenario.drawn(seed));
    assert_eq!(drawn(3), drawn(3));
    assert_ne!(drawn(3), drawn(4));
    for seed in 0..50 {
        let drawn = scenario.drawn(seed);
        assert!((2..=9).contains(&drawn.fleet.peers));
        assert!((1..=50).contains(&drawn.contents[0].chunks()));
    }
}

#[test]
fn a_small_content_may_have_one_chunk_of_each_peer_twice() {
    let duplicates = |size: &str, budget: &str| {
        let text = SMALL.replace("4 MiB", size) + budget;
        Scenario::parse(&text).expect("a scenario").duplicates
    };
    assert_eq!(duplicates("10 MiB", ""), 0.1);
    assert_eq!(duplicates("4 GiB", ""), 0.02);
    assert_eq!(duplicates("10 MiB", "[budget]\nduplicates = \"1 %\"\n"), 0.01);
}

proptest! {
    #[test]
    fn any_text_is_a_scenario_or_an_error(text in ".{0,200}") {
        let _ = Scenario::parse(&text);
    }

    /// Text that is nearly right: a line of the small scenario is replaced, another is added.
    #[test]
    fn nearly_right_text_is_a_scenario_or_an_error(
        at in 1usize..8,
        key in "(name|size|chunk|count|rate|racks|who|kind|\\[peers\\]|\\[random\\])",
        value in "(\"[0-9]{1,12} ?(B|GB|Gbit/s|%|copies)\"|-?[0-9]{1,12}|\"[a-z]*\"|\\[[0-9], [0-9]\\])",
    ) {
        let mut lines: Vec<String> = SMALL.lines().map(str::to_string).collect();
        lines[at] = format!("{key} = {value}");
        if let Ok(scenario) = Scenario::parse(&lines.join("\n")) {
            prop_assert!(scenario.contents[0].chunks() > 0);
        }
    }
}
