//! One panel of a dashboard, and how it is written for Grafana.

use serde_json::{Value, json};

/// Stands in every query for the choice of cluster, job and instance.
pub const CHOICE: &str = r#"cluster=~"$cluster",job=~"$job",instance=~"$instance""#;

/// What a panel looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// One number.
    Stat,
    /// Lines over time.
    Lines,
    /// Areas over time, one on the other.
    Stack,
    /// A row per node or value, the worst first.
    Table,
    /// Where the observations of a histogram lie, over time.
    Heatmap,
}

/// One panel. Queries have `$S` where the choice of nodes goes.
#[derive(Debug, Clone)]
pub struct Panel {
    title: &'static str,
    description: &'static str,
    unit: &'static str,
    look: Look,
    queries: Vec<(&'static str, &'static str)>,
    /// Red from here on.
    red_from: Option<f64>,
}

/// A panel.
pub fn panel(
    look: Look,
    title: &'static str,
    unit: &'static str,
    description: &'static str,
) -> Panel {
    Panel { title, description, unit, look, queries: Vec::new(), red_from: None }
}

impl Panel {
    /// Shows a query under a legend.
    pub fn show(mut self, query: &'static str, legend: &'static str) -> Panel {
        self.queries.push((query, legend));
        self
    }

    /// Values from here on are bad.
    pub fn red_from(mut self, value: f64) -> Panel {
        self.red_from = Some(value);
        self
    }

    /// Width and height on a grid of 24 columns.
    pub fn size(&self) -> (u64, u64) {
        match self.look {
            Look::Stat => (4, 4),
            Look::Lines | Look::Stack | Look::Heatmap | Look::Table => (8, 8),
        }
    }

    /// For Grafana, as panel number `id` at this place.
    pub fn write(&self, id: u64, (x, y): (u64, u64)) -> Value {
        let (w, h) = self.size();
        json!({
            "id": id,
            "type": self.look.kind(),
            "title": self.title,
            "description": self.description,
            "datasource": { "type": "prometheus", "uid": "$datasource" },
            "gridPos": { "x": x, "y": y, "w": w, "h": h },
            "fieldConfig": { "defaults": self.field_defaults(), "overrides": [] },
            "options": self.look.options(),
            "targets": self.targets(),
            "transformations": self.look.transformations(),
        })
    }

    fn field_defaults(&self) -> Value {
        let mut steps = vec![json!({ "color": "green", "value": null })];
        steps.extend(self.red_from.map(|value| json!({ "color": "red", "value": value })));
        let mut defaults = json!({
            "unit": self.unit,
            "noValue": "–",
            "thresholds": { "mode": "absolute", "steps": steps },
            "color": { "mode": if self.look == Look::Stat { "thresholds" } else { "palette-classic" } },
        });
        if matches!(self.look, Look::Lines | Look::Stack) {
            let stacking = if self.look == Look::Stack { "normal" } else { "none" };
            defaults["min"] = json!(0);
            defaults["custom"] = json!({
                "fillOpacity": if self.look == Look::Stack { 30 } else { 0 },
                "lineWidth": 1,
                "showPoints": "never",
                "stacking": { "mode": stacking, "group": "A" },
            });
        }
        defaults
    }

    fn targets(&self) -> Vec<Value> {
        let now = matches!(self.look, Look::Table | Look::Stat);
        let targets = self.queries.iter().zip('A'..).map(|((query, legend), letter)| {
            json!({
                "refId": letter.to_string(),
                "datasource": { "type": "prometheus", "uid": "$datasource" },
                "expr": query.replace("$S", CHOICE),
                "legendFormat": legend,
                "instant": now,
                "range": !now,
                "format": self.look.format(),
                "editorMode": "code",
            })
        });
        targets.collect()
    }
}

impl Look {
    fn kind(self) -> &'static str {
        match self {
            Look::Stat => "stat",
            Look::Lines | Look::Stack => "timeseries",
            Look::Table => "table",
            Look::Heatmap => "heatmap",
        }
    }

    fn format(self) -> &'static str {
        match self {
            Look::Table => "table",
            Look::Heatmap => "heatmap",
            _ => "time_series",
        }
    }

    fn options(self) -> Value {
        match self {
            Look::Stat => json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "colorMode": "value", "graphMode": "none", "textMode": "auto",
            }),
            Look::Lines | Look::Stack => json!({
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Look::Table => json!({ "showHeader": true, "cellHeight": "sm" }),
            Look::Heatmap => json!({
                "calculate": false, "cellGap": 1,
                "color": { "mode": "scheme", "scheme": "Oranges", "steps": 64 },
                "yAxis": { "unit": "s" },
                "tooltip": { "mode": "single", "yHistogram": false },
            }),
        }
    }

    /// A table shows no time and no names that are the same in each row.
    fn transformations(self) -> Value {
        if self != Look::Table {
            return json!([]);
        }
        json!([{
            "id": "organize",
            "options": { "excludeByName": { "Time": true, "__name__": true, "job": true, "cluster": true } },
        }])
    }
}
