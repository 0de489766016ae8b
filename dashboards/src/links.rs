//! Where the links of alerts lead: each alert to its runbook and to a dashboard.

/// What the links begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bases {
    /// In front of a runbook's file name.
    pub runbooks: String,
    /// In front of a dashboard's path; empty: Grafana's own address, wherever it is.
    pub grafana: String,
}

impl Default for Bases {
    /// The runbooks of this repository, from its root.
    fn default() -> Bases {
        Bases { runbooks: "dashboards/runbooks/".to_owned(), grafana: String::new() }
    }
}

/// An address that cannot stand in front of a link. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotABase(String);

impl std::fmt::Display for NotABase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let NotABase(text) = self;
        write!(
            f,
            "`{text}` is no address to link to: write it as https://HOST/PATH, without spaces or quotes"
        )
    }
}

impl Bases {
    /// Runbooks are found at this address, which may lack its last slash.
    ///
    /// # Errors
    /// When it is no address of the web.
    pub fn runbooks_at(&mut self, address: &str) -> Result<(), NotABase> {
        self.runbooks = format!("{}/", checked(address)?);
        Ok(())
    }

    /// Grafana is found at this address.
    ///
    /// # Errors
    /// When it is no address of the web.
    pub fn grafana_at(&mut self, address: &str) -> Result<(), NotABase> {
        self.grafana = checked(address)?.to_owned();
        Ok(())
    }

    /// The rules with these links. Everything else stays as it is.
    pub fn put_into(&self, rules: &str) -> String {
        let mut alert = "";
        let mut text = String::with_capacity(rules.len());
        for line in rules.lines() {
            let bare = line.trim_start();
            let indent = &line[..line.len() - bare.len()];
            if let Some(name) = bare.strip_prefix("- alert: ") {
                alert = name.trim();
            }
            text += &match (bare.starts_with("runbook_url: "), bare.split_once("/d/")) {
                (true, _) => format!("{indent}runbook_url: {}{alert}.md", self.runbooks),
                (_, Some((key, uid))) if key.starts_with("dashboard_url: ") => {
                    format!("{indent}dashboard_url: {}/d/{uid}", self.grafana)
                }
                _ => line.to_owned(),
            };
            text.push('\n');
        }
        text
    }
}

/// Without its last slash.
fn checked(address: &str) -> Result<&str, NotABase> {
    let is_web = ["https://", "http://"].iter().any(|start| {
        address.strip_prefix(start).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    });
    // It stands in YAML without quotes.
    let is_plain =
        address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'`{}#,".contains(&byte));
    let fine = is_web && is_plain;
    fine.then(|| address.trim_end_matches('/')).ok_or_else(|| NotABase(address.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "      - alert: One\n        annotations:\n          summary: '/d/ stays'\n          \
                         runbook_url: old\n          dashboard_url: /d/uid\n";

    #[test]
    fn links_are_put_into_the_rules_and_nothing_else_changes() {
        let mut bases = Bases::default();
        let text = bases.put_into(RULES);
        assert_eq!(text, RULES.replace("old", "dashboards/runbooks/One.md"));
        assert_eq!(bases.put_into(&text), text);
        assert_eq!(bases.runbooks_at("https://wiki.example/samara/"), Ok(()));
        assert_eq!(bases.grafana_at("http://grafana.example:3000"), Ok(()));
        let text = bases.put_into(&text);
        for line in [
            "          runbook_url: https://wiki.example/samara/One.md",
            "          dashboard_url: http://grafana.example:3000/d/uid",
            "          summary: '/d/ stays'",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}:\n{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "wiki.example",
            "https://",
            "https:///x",
            "ftp://a/b",
            "https://a b",
            "https://a\nb",
        ] {
            let refused = Bases::default().runbooks_at(wrong);
            assert_eq!(refused, Err(NotABase(wrong.to_owned())));
        }
    }
}
