//! `samara policy rollback`: back to the policy before.

use samara_node::Rollback;

use super::status;
use crate::admin::NodeArg;
use crate::exit::Failure;

/// Go back to the policy that was active before, at once: it stayed loaded.
///
/// Twice goes forward again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Take the policy away that runs in shadow; the active one stays
    #[arg(long)]
    shadow: bool,
    #[command(flatten)]
    node: NodeArg,
    /// Print the status afterwards as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// When no node answers, or there is nothing to go back to.
pub fn run(args: &Args) -> Result<(), Failure> {
    let wanted = Rollback { shadow: args.shadow };
    let doing = if args.shadow { "could not end the shadow" } else { "could not go back" };
    let status = status::change(&args.node, doing, "/v1/policy/rollback", &wanted)?;
    status::show(&status, args.json)
}
