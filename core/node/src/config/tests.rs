use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use samara_model::{ByteCount, BytesPerSecond};

use super::*;

fn set(text: &str) -> Setting {
    Setting::parse(text).expect("a setting")
}

/// What is wrong with a text, as it is told.
fn mistakes(text: &str, settings: &[Setting]) -> String {
    let mistakes = Config::parse(text, settings, None).expect_err("something is wrong");
    ConfigError { file: Some(PathBuf::from("node.toml")), mistakes }.to_string()
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/config").join(name);
    std::fs::read_to_string(path).expect("an example")
}

#[test]
fn nothing_at_all_is_a_node_with_defaults() {
    let config = Config::parse("", &[], None).expect("fine");
    assert_eq!(config, Config::default());
    let node = config.node_config();
    assert_eq!(node.listen, SocketAddr::from(([0, 0, 0, 0], 7300)));
    assert!(node.roles.origin && node.roles.peer && !node.be_tracker && node.remember);
}

#[test]
fn every_example_is_fine_and_fits_the_schema() {
    let schema = Config::schema();
    for name in ["origin.toml", "peer.toml", "tracker.toml"] {
        let text = example(name);
        let config =
            Config::parse(&text, &[], None).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        let written = toml::from_str::<serde_json::Value>(&text).expect("TOML");
        crate::schema_tests::fits(&schema, &schema, &written, name);
        // What the program itself would write fits, too, defaults and all.
        let own = serde_json::to_value(&config).expect("plain data");
        crate::schema_tests::fits(&schema, &schema, &own, name);
    }
    let broken = serde_json::json!({ "limits": { "upp": "1 Gbit/s" } });
    let refused = std::panic::catch_unwind(|| {
        crate::schema_tests::fits(&schema, &schema, &broken, "broken");
    });
    assert!(refused.is_err(), "the schema allows an unknown key");
}

#[test]
fn values_have_units_and_the_command_line_wins() {
    let text = "[limits]\nup = \"4 Gbit/s\"\n[storage]\nquota = \"200 MiB\"\nkeep = 2\n[policy]\nmodule = \"built-in\"\n";
    let settings = [
        set("limits.up=1 Gbit/s"),
        set("node.cluster=7"),
        set("node.join=a:1,b:2"),
        set("node.labels.rack=r1"),
        set("policy.breaker.pause=\"2s\""),
    ];
    let text = text.replace("[policy]\nmodule = \"built-in\"\n", "");
    let node = Config::parse(&text, &settings, None).expect("fine").node_config();
    assert_eq!(node.limit_up, Some(BytesPerSecond(125_000_000)));
    assert_eq!(node.storage.quota, Some(ByteCount(200 << 20)));
    assert_eq!(node.storage.keep, Some(2));
    assert_eq!(node.cluster, "7");
    assert_eq!(node.join_names, ["a:1", "b:2"]);
    assert_eq!(node.labels.value("rack"), Some("r1"));
    assert_eq!(node.policy.breaker.pause.as_secs(), 2);
}

#[test]
fn all_mistakes_are_told_at_once_with_line_and_remedy() {
    let text = "\
[node]
lissten = \"0.0.0.0:7300\"
listen = 7300
roles = [\"origin\", \"boss\"]
join = [\"nowhere\"]
advertise = \"0.0.0.0:0\"
labels = { Rack = \"r1\" }

[limits]
up = 100
down = \"fast\"

[storage]
keep = 0
quota = \"0 MiB\"

[admin]
listen = \"0.0.0.0:7301\"
socket_mode = \"rw\"

[policy]
module = \"/nowhere/p.wasm\"

[log]
level = \"loud\"

limit = 3
";
    let said = mistakes(text, &[set("storage.quotta=1 GiB"), set("limits.up=none")]);
    let wanted = [
        "node.toml:2: node.lissten: there is no such key; did you mean `node.listen`?",
        "node.toml:3: node.listen: invalid type: integer `7300`, expected an address in quotes, like \"0.0.0.0:7300\"",
        "node.toml:4: node.roles: unknown variant `boss`, expected one of `origin`, `peer`, `tracker`",
        "node.toml:5: node.join: `nowhere` is not an address: write HOST:PORT",
        "node.toml:6: node.advertise: nobody can dial 0.0.0.0:0",
        "node.toml:7: node.labels.Rack: `Rack` cannot be the key of a label",
        "node.toml:10: limits.up: invalid type: integer `100`, expected a rate in quotes with its unit",
        "node.toml:11: limits.down: `fast` is not a rate",
        "node.toml:14: storage.keep: invalid value: integer `0`",
        "node.toml:15: storage.quota: nothing fits into a quota of zero",
        "node.toml:18: admin.listen: whoever reaches the admin address",
        "node.toml:19: admin.socket_mode: this is no mode",
        "node.toml:22: policy.module: /nowhere/p.wasm cannot be read",
        "node.toml:25: log.level: unknown variant `loud`",
        "node.toml:27: log.limit: there is no such key",
        "--set storage.quotta: storage.quotta: there is no such key; did you mean `storage.quota`?",
        "--set limits.up: limits.up: `none` is not a rate",
    ];
    for words in wanted {
        assert!(said.contains(words), "not told: {words}\n{said}");
    }
    let place = |words: &str| said.find(words).expect("just looked");
    assert!(wanted.windows(2).take(14).all(|pair| place(pair[0]) < place(pair[1])), "{said}");
}

#[test]
fn a_text_that_is_no_toml_is_refused_with_its_line_and_the_rest_is_looked_at() {
    let said = mistakes("[node]\nlisten = \n[limits]\nupp = \"1 Gbit/s\"\n", &[]);
    assert!(said.contains("node.toml:2:"), "{said}");
    assert!(said.contains("node.toml:4: limits.upp"), "{said}");
    assert!(mistakes("[node\n", &[]).contains("node.toml:1:"));
    assert!(mistakes("node = 3\n", &[]).contains("this is a section"));
    assert!(mistakes("up = \"1 Gbit/s\"\n", &[]).contains("did you mean `limits.up`"));
}

#[test]
fn what_does_not_go_together_is_told() {
    let pairs = [
        ("[node]\ndiscovery = \"tracker\"\n", "there is no tracker to ask"),
        ("[node]\ndiscovery = \"gossip\"\ntrackers = [\"t:1\"]\n", "no tracker is asked"),
        ("[node]\nroles = []\n", "a node without a role does nothing"),
        ("[metrics]\nlisten = \"0.0.0.0:7300\"\n", "is taken by `node.listen`"),
        (
            "[admin]\nlisten = \"127.0.0.1:7301\"\n[metrics]\nlisten = \"0.0.0.0:7301\"\n",
            "is taken by `admin.listen`",
        ),
        ("[policy.params]\ncandidates = 4\n", "none is named"),
        ("[policy.breaker]\npause = \"2min\"\n", "shorter than `policy.breaker.pause`"),
        ("[node]\ncluster = \"\"\n", "1 to 64 bytes"),
    ];
    for (text, words) in pairs {
        let said = mistakes(text, &[]);
        assert!(said.contains(words) && said.contains("node.toml:"), "{text}: {said}");
    }
}

#[test]
fn paths_are_below_the_folder_of_the_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("node.toml");
    std::fs::write(&file, "[node]\ndata = \"state\"\n[admin]\nsocket = \"/run/x.sock\"\n")
        .expect("written");
    let config = Config::load(Some(&file), &[]).expect("fine");
    assert_eq!(config.node.data, Some(dir.path().join("state")));
    assert_eq!(config.admin.socket, Some(PathBuf::from("/run/x.sock")));
    let error = Config::load(Some(&dir.path().join("none.toml")), &[]).expect_err("not there");
    assert!(error.to_string().contains("none.toml: the file cannot be read"), "{error}");
}

#[test]
fn a_reload_says_what_it_can_take() {
    let parse = |text: &str| Config::parse(text, &[], None).expect("fine");
    let before = parse("[limits]\nup = \"1 Gbit/s\"\n");
    let after = parse(
        "[node]\ncluster = \"other\"\nlabels = { rack = \"r2\" }\n[storage]\nkeep = 1\n[log]\nlevel = \"debug\"\nformat = \"json\"\n\
         [policy.limits]\nfuel = 9\n",
    );
    let (taken, restart) = changed_keys(&before, &after);
    assert_eq!(taken, ["limits.up", "log.level", "node.labels.rack", "storage.keep"]);
    assert_eq!(restart, ["log.format", "node.cluster", "policy.limits.fuel"]);
    assert_eq!(changed_keys(&after, &after), (vec![], vec![]));
}

proptest! {
    #[test]
    fn any_text_is_a_configuration_or_refused(text in "(\\PC|\n){0,120}") {
        if let Err(mistakes) = Config::parse(&text, &[], None) {
            prop_assert!(!mistakes.is_empty());
        }
    }

    #[test]
    fn a_damaged_configuration_is_refused_or_read(at in 0usize..900, with in "[ -~\n]{0,6}") {
        let mut text = example("peer.toml");
        let at = text.floor_char_boundary(at.min(text.len()));
        text.insert_str(at, &with);
        let _ = Config::parse(&text, &[], None);
    }

    #[test]
    fn any_setting_is_taken_or_refused(key in "[a-z.]{0,20}", value in "\\PC{0,20}") {
        if let Ok(setting) = Setting::parse(&format!("{key}={value}")) {
            let _ = Config::parse("", &[setting], None);
        }
    }
}
