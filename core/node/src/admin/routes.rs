//! Every operation, once: the router and the OpenAPI document are made from this list.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::routing::{MethodRouter, delete, get, post, put};
use axum::{Router, middleware};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::answer::Refused;
use super::{MAX_BODY, Rollback, contents, events, guard, map, openapi, policy, status};
use crate::documents::{
    ContentDocument, ContentsDocument, FetchDocument, FetchOrder, MapDocument, MembersDocument,
    NoticeDocument, PeersDocument, PriorityOrder, PublishOrder, ReloadDocument, RemovedDocument,
    ScrubDocument, StatusDocument, WhyDocument,
};
use crate::selector::{PolicyRequest, PolicyStatus};
use crate::shared::Shared;
use crate::{telemetry, web};

type Described = fn(&mut SchemaGenerator) -> Schema;

/// One operation.
pub struct Operation {
    /// `get`, `post`, `put` or `delete`.
    pub method: &'static str,
    /// With parameters in braces.
    pub path: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What is sent.
    pub body: Option<Described>,
    /// What is answered; `None` for the document of this list itself.
    pub answer: Option<Described>,
    handler: MethodRouter<Arc<Shared>>,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// All of them.
pub fn operations() -> Vec<Operation> {
    let op = |method, path, summary, body, answer, handler| Operation {
        method,
        path,
        summary,
        body,
        answer: Some(answer),
        handler,
    };
    let none: Option<Described> = None;
    vec![
        op(
            "get",
            "/v1/status",
            "The node as a whole",
            none,
            of::<StatusDocument>,
            get(status::status),
        ),
        op(
            "get",
            "/v1/peers",
            "Members and live links",
            none,
            of::<MembersDocument>,
            get(status::members),
        ),
        op(
            "get",
            "/v1/events",
            "Server-sent events: at first `status` and `contents`, then, about once a second, `status` and `changes` (a \
             ChangesDocument) when there are any; `notice` as they come",
            none,
            of::<NoticeDocument>,
            get(events::events),
        ),
        op(
            "get",
            "/v1/contents",
            "All contents",
            none,
            of::<ContentsDocument>,
            get(contents::list),
        ),
        op(
            "post",
            "/v1/publish",
            "Publish a file or folder where it lies; look at the content until it is complete",
            Some(of::<PublishOrder>),
            of::<ContentDocument>,
            post(contents::publish),
        ),
        op(
            "post",
            "/v1/fetch",
            "Fetch a content; giving the order again changes nothing and says how it stands",
            Some(of::<FetchOrder>),
            of::<FetchDocument>,
            post(contents::fetch),
        ),
        op(
            "get",
            "/v1/contents/{content}",
            "One content",
            none,
            of::<ContentDocument>,
            get(contents::one),
        ),
        op(
            "delete",
            "/v1/contents/{content}",
            "Stop serving a content and forget it; files in the data directory are removed",
            none,
            of::<RemovedDocument>,
            delete(contents::remove),
        ),
        op(
            "get",
            "/v1/contents/{content}/peers",
            "Who has a content, how that is known, and how old the news is",
            none,
            of::<PeersDocument>,
            get(contents::peers),
        ),
        op(
            "get",
            "/v1/contents/{content}/map",
            "Where a content has its gaps, in ?stretches=N parts, and why the policy decided what it did",
            none,
            of::<MapDocument>,
            get(map::map),
        ),
        op(
            "get",
            "/v1/contents/{content}/why",
            "Why a content is not further and what to do; of a complete one, where the time went",
            none,
            of::<WhyDocument>,
            get(contents::why),
        ),
        op(
            "post",
            "/v1/contents/{content}/scrub",
            "Read a complete content again and compare it with its hashes; answers when that is done",
            none,
            of::<ScrubDocument>,
            post(contents::scrub),
        ),
        op(
            "post",
            "/v1/contents/{content}/cancel",
            "End a fetch or a publication that is under way; what came stays",
            none,
            of::<ContentDocument>,
            post(contents::cancel),
        ),
        op(
            "put",
            "/v1/contents/{content}/pin",
            "Never evict a content",
            none,
            of::<ContentDocument>,
            put(contents::pin),
        ),
        op(
            "delete",
            "/v1/contents/{content}/pin",
            "Let a content be evicted again",
            none,
            of::<ContentDocument>,
            delete(contents::unpin),
        ),
        op(
            "put",
            "/v1/contents/{content}/priority",
            "Give a content another share of the slots",
            Some(of::<PriorityOrder>),
            of::<ContentDocument>,
            put(contents::prioritise),
        ),
        op(
            "post",
            "/v1/reload",
            "Read the configuration again, as SIGHUP does; what needs a restart is named",
            none,
            of::<ReloadDocument>,
            post(status::reload),
        ),
        op("get", "/v1/policy", "The policies", none, of::<PolicyStatus>, get(policy::status)),
        op(
            "post",
            "/v1/policy/activate",
            "Load a policy",
            Some(of::<PolicyRequest>),
            of::<PolicyStatus>,
            post(policy::activate),
        ),
        op(
            "post",
            "/v1/policy/rollback",
            "Go back to the policy before, or take the shadow away",
            Some(of::<Rollback>),
            of::<PolicyStatus>,
            post(policy::roll_back),
        ),
        Operation {
            method: "get",
            path: "/v1/openapi.json",
            summary: "This description",
            body: None,
            answer: None,
            handler: get(openapi::document),
        },
    ]
}

/// All operations, guarded.
pub fn router(shared: Arc<Shared>) -> Router {
    let all = operations().into_iter();
    let router = all.fold(Router::new(), |router, one| router.route(one.path, one.handler));
    router
        .merge(telemetry::routes())
        .merge(web::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(guard::guard))
}

async fn unknown(uri: Uri) -> Refused {
    let what = format!("there is nothing at {}: /v1/openapi.json lists what there is", uri.path());
    Refused(StatusCode::NOT_FOUND, what)
}

async fn wrong_method(uri: Uri) -> Refused {
    let what = format!("{} does not take this method: see /v1/openapi.json", uri.path());
    Refused(StatusCode::METHOD_NOT_ALLOWED, what)
}
