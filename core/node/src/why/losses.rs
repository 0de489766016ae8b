//! Where the time of a fetch went that is over, beside the shortest possible time.

use crate::documents::{LossDocument, TransferDocument};
use crate::fetch::{Account, LineFrom};

/// The account of a fetch, for people and programs.
pub(super) fn transfer_document(account: &Account) -> TransferDocument {
    let loss = |(code, seconds): (&str, f64)| LossDocument {
        code: code.to_owned(),
        seconds,
        text: meaning(code).to_owned(),
    };
    TransferDocument {
        took_seconds: account.took,
        fetched_bytes: account.missing,
        receivers: account.receivers,
        line_bytes_per_second: account.rate.0,
        line_from: match account.known {
            LineFrom::Cap => "cap",
            LineFrom::FastestSecond => "fastest-second",
            LineFrom::WholeTransfer => "whole-transfer",
        }
        .to_owned(),
        line_seconds: account.line,
        limit_seconds: account.limit,
        ratio_to_limit: account.ratio(),
        losses: account.losses().into_iter().map(loss).collect(),
    }
}

fn meaning(code: &str) -> &'static str {
    match code {
        "finding" => "until its name was resolved and somebody was found who has it",
        "manifest" => "until its manifest was here",
        "checking" => "hashing and copying what was here already",
        "parked" => "waiting for room on the disk",
        "finishing" => "syncing to the disk and renaming",
        "idle" => "chunks were missing, and for whole seconds none came",
        "wasted" => "bytes that came twice, or were not right",
        _ => "chunks came, but slower than the line: neighbours that were busy, slow or capped",
    }
}
