//! `samara config`.

use serde_json::Value;

use crate::daemon::{folder, text};
use crate::process::run;

#[test]
fn a_file_is_checked_without_starting_anything() {
    let folder = folder();
    let file = folder.path().join("node.toml");
    std::fs::write(&file, "[node]\nlisten = 5\n[limits]\nupp = \"1 Gbit/s\"\n").expect("written");
    let ended = run(["config", "check", text(&file)]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let both = ["node.toml:2: node.listen", "node.toml:4: limits.upp", "2 mistakes"];
    assert!(both.iter().all(|words| ended.stderr.contains(words)), "{ended:?}");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config");
    for name in ["origin.toml", "peer.toml", "tracker.toml"] {
        let ended = run(["config", "check", &format!("{examples}/{name}")]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let missing = run(["config", "check", "/nowhere/node.toml"]);
    assert!(missing.code == Some(2) && missing.stderr.contains("cannot be read"), "{missing:?}");
}

#[test]
fn the_schema_is_a_document_that_names_every_section() {
    let ended = run(["config", "schema"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let schema: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    for section in ["node", "admin", "metrics", "limits", "storage", "policy", "log"] {
        assert!(schema["properties"][section]["properties"].is_object(), "{section}");
    }
    let quota = &schema["properties"]["storage"]["properties"]["quota"];
    assert!(quota["description"].as_str().is_some_and(|text| text.contains("pinned")), "{quota}");
}
