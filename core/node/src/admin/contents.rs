//! Contents: publish, fetch, look, cancel, pin, remove.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::answer::{Answer, Body, Named, Refused, blocking};
use crate::api::{PeerRow, PeerSource};
use crate::catalogue::{FindError, Joined, OrderError, check_priority};
use crate::documents::{
    ContentDocument, ContentsDocument, FetchDocument, FetchOrder, PeerDocument, PeersDocument,
    PriorityOrder, PublishOrder, RemovedDocument, ScrubDocument, WhyDocument,
};
use crate::shared::{Shared, Words};

type Node = State<Arc<Shared>>;

pub async fn list(State(shared): Node) -> Json<ContentsDocument> {
    Json(ContentsDocument { version: 1, contents: shared.content_rows() })
}

pub async fn one(State(shared): Node, Named(text): Named) -> Answer<ContentDocument> {
    Ok(Json(shared.content_row(&shared.find_content(&text)?)))
}

pub async fn fetch(State(shared): Node, Body(order): Body<FetchOrder>) -> Answer<FetchDocument> {
    let inner = shared.clone();
    let document = blocking(move || {
        let (number, output, joined) = inner.order_fetch(&order)?;
        let content = inner.entry_row(number).unwrap_or_default();
        let state = match joined {
            Joined::Coming => "coming",
            Joined::Elsewhere => "elsewhere",
            Joined::Copying => "copying",
            Joined::Here => "here",
        };
        Ok::<_, OrderError>(FetchDocument { state: state.to_owned(), output, content })
    });
    let document = document.await?;
    shared.save_catalogue_soon().await;
    Ok(document)
}

pub async fn publish(
    State(shared): Node,
    Body(order): Body<PublishOrder>,
) -> Answer<ContentDocument> {
    blocking(move || {
        let number = shared.order_publish(&order)?;
        shared.save_catalogue();
        Ok::<_, OrderError>(shared.entry_row(number).unwrap_or_default())
    })
    .await
}

pub async fn cancel(State(shared): Node, Named(text): Named) -> Answer<ContentDocument> {
    blocking(move || {
        let found = shared.find_content(&text)?;
        if !shared.cancel_content(&found) {
            let what = format!("nothing is under way for {text}: there is nothing to cancel");
            return Err(Refused(StatusCode::CONFLICT, what));
        }
        Ok(shared.content_row(&found))
    })
    .await
}

pub async fn remove(State(shared): Node, Named(text): Named) -> Answer<RemovedDocument> {
    blocking(move || {
        let found = shared.find_content(&text)?;
        shared.remove_content(&found).map_err(Refused::from)
    })
    .await
}

pub async fn pin(State(shared): Node, Named(text): Named) -> Answer<ContentDocument> {
    set_pin(shared, text, true).await
}

pub async fn unpin(State(shared): Node, Named(text): Named) -> Answer<ContentDocument> {
    set_pin(shared, text, false).await
}

async fn set_pin(shared: Arc<Shared>, text: String, pinned: bool) -> Answer<ContentDocument> {
    blocking(move || {
        let found = shared.find_content(&text)?;
        if !shared.pin_content(&found, pinned) {
            let what =
                format!("{text} was not asked for through this node, so it is never evicted");
            return Err(Refused(StatusCode::CONFLICT, what));
        }
        Ok(shared.content_row(&found))
    })
    .await
}

pub async fn prioritise(
    State(shared): Node,
    Named(text): Named,
    Body(order): Body<PriorityOrder>,
) -> Answer<ContentDocument> {
    blocking(move || {
        check_priority(Some(order.priority))?;
        let found = shared.find_content(&text)?;
        shared.prioritise_content(&found, order.priority);
        Ok::<_, Refused>(shared.content_row(&found))
    })
    .await
}

pub async fn why(State(shared): Node, Named(text): Named) -> Answer<WhyDocument> {
    let found = shared.find_content(&text)?;
    Ok(Json(shared.why_found(&found)))
}

pub async fn scrub(State(shared): Node, Named(text): Named) -> Answer<ScrubDocument> {
    let found = shared.find_content(&text)?;
    match found.content.and_then(|content| shared.content(&content)) {
        Some(state) => Ok(Json(shared.scrub(&state, None).await)),
        None => Err(Refused(
            StatusCode::CONFLICT,
            format!("{text} is not here: there is nothing to read"),
        )),
    }
}

pub async fn peers(State(shared): Node, Named(text): Named) -> Answer<PeersDocument> {
    let found = shared.find_content(&text)?;
    let Some(content) = found.content else {
        let unresolved = FindError::Unknown { text: format!("{text} with a known id") };
        return Err(unresolved.into());
    };
    let rows = shared.peer_rows(content).await;
    let chunks = shared.content_row(&found).chunks;
    let words = shared.words();
    let peers = rows.iter().map(|row| peer(row, &words)).collect();
    Ok(Json(PeersDocument { version: 1, content: content.to_string(), chunks, peers }))
}

fn peer(row: &PeerRow, words: &Words) -> PeerDocument {
    let source = match row.source {
        PeerSource::Neighbour => "neighbour",
        PeerSource::Gossip => "gossip",
        PeerSource::Tracker => "tracker",
    };
    PeerDocument {
        peer: row.peer.to_string(),
        address: row.address.to_string(),
        labels: words.of(&row.peer, &row.place),
        permille: row.permille,
        chunks: row.chunks,
        source: source.to_owned(),
        age_seconds: row.age.as_secs_f64(),
    }
}
