//! A dashboard: rows of panels, and what is around them.

use serde_json::{Value, json};

use crate::panel::{CHOICE, Panel};

/// Every dashboard has it, and a link to the others.
const TAG: &str = "samara";

/// One dashboard.
#[derive(Debug, Clone)]
pub struct Board {
    /// Never changes: links and annotations use it.
    pub uid: &'static str,
    /// What a person reads.
    pub title: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Questions, and the panels that answer them.
    pub rows: Vec<Row>,
}

/// One question.
#[derive(Debug, Clone)]
pub struct Row {
    /// The question.
    pub title: &'static str,
    /// What answers it.
    pub panels: Vec<Panel>,
    /// Where nothing answers it yet: what a person reads instead.
    pub note: Option<&'static str>,
}

/// A row of panels.
pub fn row(title: &'static str, panels: Vec<Panel>) -> Row {
    Row { title, panels, note: None }
}

impl Board {
    /// As Grafana reads it.
    pub fn write(&self) -> Value {
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": 39,
            "version": 1,
            "editable": false,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": { "from": "now-1h", "to": "now" },
            "timezone": "",
            "links": [{
                "type": "dashboards", "tags": [TAG], "title": "Samara", "asDropdown": true,
                "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link",
                "tooltip": "", "url": "",
            }],
            "annotations": { "list": [annotation()] },
            "templating": { "list": self.variables() },
            "panels": self.panels(),
        })
    }

    fn variables(&self) -> Vec<Value> {
        let choose = |name: &str, query: &str, all: &str| {
            json!({
                "name": name, "label": name, "type": "query", "query": query, "definition": query,
                "datasource": { "type": "prometheus", "uid": "$datasource" },
                "refresh": 2, "sort": 1, "multi": true, "includeAll": true, "allValue": all,
                "current": { "text": "All", "value": "$__all" },
            })
        };
        let job = r#"label_values(samara_build_info{cluster=~"$cluster"}, job)"#;
        let instance =
            r#"label_values(samara_build_info{cluster=~"$cluster",job=~"$job"}, instance)"#;
        vec![
            json!({
                "name": "datasource", "label": "data source", "type": "datasource", "query": "prometheus",
                "current": {}, "refresh": 1,
            }),
            // A single cluster needs no label of that name.
            choose("cluster", "label_values(samara_build_info, cluster)", ".*"),
            choose("job", job, ".+"),
            choose("instance", instance, ".+"),
        ]
    }

    fn panels(&self) -> Vec<Value> {
        let (mut panels, mut id, mut y) = (Vec::new(), 0, 0);
        for row in &self.rows {
            id += 1;
            panels.push(json!({
                "id": id, "type": "row", "title": row.title, "collapsed": false, "panels": [],
                "gridPos": { "x": 0, "y": y, "w": 24, "h": 1 },
            }));
            y += 1;
            let (mut x, mut lowest) = (0, y);
            if let Some(note) = row.note {
                id += 1;
                panels.push(text(id, y, note));
                lowest = y + 3;
                y = lowest;
            }
            for panel in &row.panels {
                id += 1;
                let (w, h) = panel.size();
                if x + w > 24 {
                    (x, y) = (0, lowest);
                }
                panels.push(panel.write(id, (x, y)));
                lowest = lowest.max(y + h);
                x += w;
            }
            y = lowest;
        }
        panels
    }
}

fn text(id: u64, y: u64, note: &str) -> Value {
    json!({
        "id": id, "type": "text", "title": "", "transparent": true,
        "gridPos": { "x": 0, "y": y, "w": 24, "h": 3 },
        "options": { "mode": "markdown", "content": note },
    })
}

/// What explains a bend in a line: the policy changed.
fn annotation() -> Value {
    let changes =
        "sum by (change) (increase(samara_policy_changes_total{$S}[$__rate_interval])) > 0";
    json!({
        "name": "policy changes", "enable": true, "hide": false, "iconColor": "purple",
        "datasource": { "type": "prometheus", "uid": "$datasource" },
        "expr": changes.replace("$S", CHOICE),
        "titleFormat": "policy {{change}}", "step": "60s",
    })
}
