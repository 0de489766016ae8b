//! A policy that is published like any content: the node fetches it, and loads the file that it then has.

use std::path::PathBuf;
use std::time::Duration;

use samara_model::ContentRef;
use samara_node::documents::{FetchDocument, FetchOrder};

use crate::admin::Admin;
use crate::exit::Failure;
use crate::output::{Output, OutputArgs};
use crate::signals::{Second, Stop};
use crate::through::Watch;

/// Has the node fetch `content` into its data directory, where it stays until it is unpinned, and says where
/// the file is. Looks for somebody who has it for so long. With `quiet` no progress is shown.
///
/// # Errors
/// When the node cannot fetch it.
pub fn fetched(
    admin: &Admin,
    content: &ContentRef,
    wait: Duration,
    quiet: bool,
) -> Result<PathBuf, Failure> {
    let order = FetchOrder {
        content: content.to_string(),
        output: None,
        wait_ms: (wait != Duration::MAX).then_some(wait.as_millis() as u64),
        priority: None,
        pin: true,
    };
    let stop = Stop::on_signals(Second::ExitsAtOnce)?;
    let output = Output::new(OutputArgs { json: false, quiet });
    // A node that is not there at all is not waited for.
    let doing = format!("could not fetch the policy {content}");
    let _begun: FetchDocument = admin.send(&doing, "POST", "/v1/fetch", Some(&order))?;
    let told = Watch::new(&order, wait, admin, &output, &stop).until_here();
    told.map(|told| told.output).map_err(|failure| failure.also("the active policy stays active"))
}
