//! The description of the API, OpenAPI 3.1.

use std::collections::BTreeMap;

use axum::Json;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::Refusal;
use super::routes::{Operation, operations};

pub async fn document() -> Json<Value> {
    Json(describe(&operations()))
}

/// The document of a list of operations.
pub fn describe(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    for one in operations {
        let described = operation(one, &mut generator);
        paths.entry(one.path).or_default().insert(one.method, described);
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Samara node",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Administers one node, over its Unix socket or a loopback address. Keys are only ever added."
        },
        "paths": paths,
        "components": { "schemas": schemas }
    })
}

fn operation(one: &Operation, generator: &mut SchemaGenerator) -> Value {
    let refusal = generator.subschema_for::<Refusal>();
    let (kind, answer) = match one.answer {
        Some(_) if one.path == "/v1/events" => ("text/event-stream", json!({ "type": "string" })),
        Some(answer) => ("application/json", answer(generator).to_value()),
        None => ("application/json", json!({ "type": "object" })),
    };
    let mut described = json!({
        "summary": one.summary,
        "responses": {
            "200": { "description": "Done", "content": { kind: { "schema": answer } } },
            "4XX": {
                "description": "Refused, and why",
                "content": { "application/json": { "schema": refusal } }
            }
        }
    });
    if let Some(body) = one.body {
        let schema = body(generator);
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    if one.path.contains("{content}") {
        described["parameters"] = json!([{
            "name": "content",
            "in": "path",
            "required": true,
            "description": "An id, at least its first 6 digits, or NAME@VERSION with `/` as `%2F`",
            "schema": { "type": "string" }
        }]);
    }
    described
}
