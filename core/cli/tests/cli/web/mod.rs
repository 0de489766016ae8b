//! The node's page in a real browser, beside a transfer that is under way.

mod chromium;

use serde_json::{Value, json};

use crate::daemon::{Daemon, folder, text};
use crate::http::get;
use crate::monitoring::free_address;
use crate::process::{random_file, start};
use chromium::Page;

/// Pictures for the docs go into this folder, if it is set.
const PICTURES: &str = "SAMARA_PICTURES";

#[test]
fn a_transfer_is_watched_in_a_browser() {
    if !Page::is_possible() {
        println!("skipped: a_transfer_is_watched_in_a_browser (needs chromium)");
        return;
    }
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    random_file(&path("source"), 12 << 20, 6);
    let origin = Daemon::start(&path("origin"), &["--set", "limits.up=\"1MiB/s\""]);
    origin.publish(&path("source"), "model");
    let join = ["--join", &origin.address];
    let admin = free_address();
    let peer = Daemon::start(&path("peer"), &[&join[..], &["--admin", &admin]].concat());
    let other = Daemon::start(&path("other"), &join);
    let fetch = |node: &Daemon, name: &str| {
        start(node.with(&["fetch", "model@1", "-o", text(&path(name))]))
    };
    let fetches = [fetch(&peer, "copy"), fetch(&other, "copy2")];
    let mut page = Page::open(&format!("http://{admin}/"));
    page.until("the events come", "document.getElementById('link').textContent === 'live'");
    page.until(
        "the content is listed",
        "document.getElementById('contents').innerText.includes('model@1')",
    );
    check_keyboard(&mut page);
    for (what, expression) in [
        ("the chunks", "document.querySelectorAll('#map .cell').length >= 50"),
        ("chunks that are here", "document.querySelectorAll('#map .full, #map .part').length > 0"),
        (
            "the curve",
            "document.querySelector('#curve .done').getAttribute('points').split(' ').length > 2",
        ),
        ("the limit", "document.querySelector('#curve .limit') !== null"),
        ("the swarm", "document.querySelectorAll('#swarm .part').length >= 2"),
        ("rates of peers", "/[KM]iB\\/s/.test(document.getElementById('peers').innerText)"),
        ("the policy", "document.getElementById('policy').innerText.includes('balanced')"),
        ("what it does", "document.getElementById('policy').innerText.includes('offers')"),
        (
            "texts beside pictures",
            "document.getElementById('map-text').textContent.includes('chunks are here')",
        ),
    ] {
        page.until(what, expression);
    }
    check_looks(&mut page);
    check_names(&mut page);
    let outside = "performance.getEntriesByType('resource').filter((one) => !one.name.startsWith(location.origin)).length";
    assert_eq!(page.value(outside), 0, "it asks nobody but the node");
    page.until("it is done", "document.getElementById('contents').innerText.includes('complete')");
    let waits = start(peer.with(&["fetch", "late@1", "-o", text(&path("late")), "--wait", "5m"]));
    let late = "[...document.querySelectorAll('#contents button')].find((one) => one.textContent === 'late@1')";
    page.until("a name that nobody knows is listed", &format!("{late} !== undefined"));
    page.value(&format!("{late}.click()"));
    page.until(
        "it says why, and nothing of another content",
        "document.getElementById('why').textContent.includes('knows a release of this name') && document.querySelectorAll('#map .cell').length === 0",
    );
    let waiting = "[{ content: 'late@1', code: 'unknown-name', seconds: 95 }]";
    page.value(&format!("showWaiting({{ waiting: {waiting}, waiting_count: 3 }})"));
    let told = page.value("document.getElementById('waiting').textContent");
    assert_eq!(told, "Waiting: late@1 for 1 min (nobody knows this name) and 2 more.");
    drop((fetches, waits));
    peer.stop();
    page.until(
        "it says that the node is gone",
        "document.getElementById('link').className === 'lost'",
    );
}

/// Tab goes to the content, Enter chooses it, and the table that is drawn anew every second keeps the focus.
fn check_keyboard(page: &mut Page) {
    let on_content =
        "document.activeElement.dataset && document.activeElement.dataset.key !== undefined";
    for _ in 0..5 {
        if page.value(on_content) == true {
            break;
        }
        page.press("Tab", 9);
    }
    assert_eq!(page.value(on_content), true, "Tab reaches the content");
    page.press("Enter", 13);
    page.until("it is chosen", "document.activeElement.getAttribute('aria-pressed') === 'true'");
    page.value(
        "new Promise((done) => new EventSource('/v1/events').addEventListener('contents', done))",
    );
    assert_eq!(page.value(on_content), true, "the focus stays");
}

fn check_looks(page: &mut Page) {
    let colour = "getComputedStyle(document.body).backgroundColor";
    let mut seen = Vec::new();
    for scheme in ["light", "dark"] {
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        page.call("Emulation.setEmulatedMedia", json!({ "features": feature }));
        seen.push(page.value(colour));
        if let Ok(folder) = std::env::var(PICTURES) {
            let file = std::path::Path::new(&folder).join(format!("page-{scheme}.png"));
            std::fs::write(file, page.picture()).expect("the folder is there");
        }
    }
    assert_ne!(seen[0], seen[1], "light and dark");
    let narrow = json!({ "width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": false });
    page.call("Emulation.setDeviceMetricsOverride", narrow);
    let wide = page.value("document.documentElement.scrollWidth");
    assert!(wide.as_u64() <= Some(380), "it is {wide} wide on a small screen");
    page.call("Emulation.clearDeviceMetricsOverride", json!({}));
}

/// What a screen reader is told: everything that is more than text has a name.
fn check_names(page: &mut Page) {
    page.call("Accessibility.enable", json!({}));
    let tree = page.call("Accessibility.getFullAXTree", json!({}));
    let of = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or_default().to_owned();
    let (mut seen, mut nameless) = (Vec::new(), Vec::new());
    for node in tree["nodes"].as_array().expect("nodes").iter().filter(|one| one["ignored"] != true)
    {
        let role = of(node, "role");
        let wanted = [
            "button",
            "progressbar",
            "ProgressIndicator",
            "image",
            "img",
            "table",
            "heading",
            "region",
            "group",
        ];
        if wanted.contains(&role.as_str()) {
            if of(node, "name").is_empty() {
                nameless.push(role.clone());
            }
            seen.push(role);
        }
    }
    for role in ["button", "table", "heading", "region"] {
        assert!(seen.iter().any(|one| one == role), "no {role}: {seen:?}");
    }
    assert!(nameless.is_empty(), "without a name: {nameless:?}");
    assert_eq!(page.value("document.documentElement.lang"), "en");
}

#[test]
fn the_page_and_the_metrics_are_on_the_admin_address_and_nothing_of_it_is_framed() {
    let folder = folder();
    let admin = free_address();
    let _node = Daemon::start(&folder.path().join("data"), &["--admin", &admin]);
    for (at, words) in [
        ("/", "<title>Samara</title>"),
        ("/web/page.css", "prefers-color-scheme"),
        ("/web/page.js", "EventSource"),
        ("/metrics", "samara_ready 1"),
        ("/healthz", "ok"),
        ("/readyz", "ok"),
    ] {
        let (status, body) = get(&admin, at);
        assert!(status == 200 && body.contains(words), "{at}: {status} {body}");
    }
    let (status, body) = get(&admin, "/v1/contents/nothing@1/map?stretches=5");
    assert!(status == 404 && body.contains("error"), "{status} {body}");
    let (status, body) = get(&admin, "/web/../../etc/passwd");
    assert_eq!(status, 404, "{body}");
}
