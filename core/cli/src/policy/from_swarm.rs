//! A policy that is published like any content: the node fetches it, and loads the file that it then has.

use std::path::PathBuf;
use std::thread;

use samara_model::ContentRef;
use samara_node::documents::{ContentDocument, FetchDocument, FetchOrder};

use crate::admin::{Admin, content_path};
use crate::exit::Failure;
use crate::through::POLL;

/// How long the node looks for somebody who has it.
const WAIT_MS: u64 = 30_000;

/// Has the node fetch `content` into its data directory, where it stays until it is unpinned, and says where
/// the file is.
///
/// # Errors
/// When the node cannot fetch it.
pub fn fetched(admin: &Admin, content: &ContentRef) -> Result<PathBuf, Failure> {
    let doing = format!("could not fetch the policy {content}");
    let order = FetchOrder {
        content: content.to_string(),
        output: None,
        wait_ms: Some(WAIT_MS),
        priority: None,
        pin: true,
    };
    loop {
        let told: FetchDocument = admin.send(&doing, "POST", "/v1/fetch", Some(&order))?;
        match told.state.as_str() {
            "here" => return Ok(told.output),
            "copying" => thread::sleep(POLL),
            _ => until_complete(admin, content, &doing)?,
        }
    }
}

fn until_complete(admin: &Admin, content: &ContentRef, doing: &str) -> Result<(), Failure> {
    let path = content_path(&content.to_string(), "");
    loop {
        let now: ContentDocument = admin.get(doing, &path)?;
        match now.state.as_str() {
            "complete" => return Ok(()),
            "failed" | "cancelled" | "withdrawn" => {
                let why = now.reason.unwrap_or_else(|| format!("it was {}", now.state));
                return Err(Failure::new(doing, why).still("the active policy stays active"));
            }
            _ => thread::sleep(POLL),
        }
    }
}
