//! Writes what is generated in this folder: the page of metrics, the dashboards of Grafana, and the links in the
//! alerts. Its tests check them, and the rules and runbooks beside them.
//!
//! `cargo run --release -p samara-dashboards` after a change of the metrics or of a dashboard. With options it writes
//! a copy for a fleet; see [`USAGE`].

mod board;
mod boards;
mod check;
mod links;
mod not_shown;
mod panel;

#[cfg(test)]
mod lint;
#[cfg(test)]
mod names;
#[cfg(test)]
mod rules;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use links::Bases;

/// What it takes.
const USAGE: &str = "\
usage: samara-dashboards [--out DIR] [--runbooks URL] [--grafana URL]
       samara-dashboards --check [--prometheus URL] [FILE...]

  --out DIR       write rules and dashboards to this folder, ready to mount; without it, what is generated in the
                  repository is written anew
  --runbooks URL  where your team reads the runbooks; alerts link to URL/<Alert>.md
                  (default: the path in the repository, dashboards/runbooks/)
  --grafana URL   where Grafana is; alerts link to URL/d/<dashboard> (default: /d/<dashboard>)

  --check         look at dashboards (.json) and rules (.yml) of your own instead: what they ask for that no node of
                  this version exports is told, and the exit code is 1
  --prometheus U  ask this Prometheus (http://HOST:PORT) whether it has all metrics of Samara

--runbooks and --grafana need --out: the repository keeps links that are right for everybody.";

/// A file of this folder and its text.
struct Document {
    path: String,
    text: String,
}

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    out: Option<PathBuf>,
    bases: Bases,
    check: Option<Check>,
}

/// What is only looked at.
#[derive(Debug, Default, PartialEq, Eq)]
struct Check {
    prometheus: Option<String>,
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let wish = match wish(&args) {
        Ok(wish) => wish,
        Err(why) => {
            eprintln!("error: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match carry_out(&wish) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// False when what was looked at is wrong.
fn carry_out(wish: &Wish) -> Result<bool, String> {
    let Some(Check { prometheus, files }) = &wish.check else { return write(wish).map(|()| true) };
    Ok(check::check(files, prometheus.as_deref(), &read("rules/recording.yml")?))
}

fn wish(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish::default();
    let (mut check, mut asked, mut files) = (None::<Check>, None, Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--out" => wish.out = Some(PathBuf::from(value()?)),
            "--runbooks" => wish.bases.runbooks_at(value()?).map_err(|why| why.to_string())?,
            "--grafana" => wish.bases.grafana_at(value()?).map_err(|why| why.to_string())?,
            "--check" => check = Some(check.unwrap_or_default()),
            "--prometheus" => asked = Some(value()?.clone()),
            option if option.starts_with('-') => return Err(format!("`{option}` is not known")),
            file => files.push(PathBuf::from(file)),
        }
    }
    match check.as_mut() {
        Some(_) if files.is_empty() && asked.is_none() => {
            return Err("`--check` needs files, or `--prometheus URL`".to_owned());
        }
        Some(check) => (check.files, check.prometheus) = (files, asked),
        None if asked.is_some() || !files.is_empty() => {
            return Err("files and `--prometheus` need `--check`".to_owned());
        }
        None => {}
    }
    wish.check = check;
    if wish.out.is_none() && wish.bases != Bases::default() {
        return Err("links of your own need `--out DIR`".to_owned());
    }
    Ok(wish)
}

fn write(wish: &Wish) -> Result<(), String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = wish.out.as_deref().unwrap_or(own);
    let mut all = documents(&wish.bases)?;
    if wish.out.is_some() {
        let path = "rules/recording.yml".to_owned();
        all.push(Document { text: read(&path)?, path });
    }
    for Document { path, text } in all {
        let path = folder.join(path);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, text))
            .map_err(|why| format!("could not write {}: {why}", path.display()))?;
        println!("{}", path.display());
    }
    for (name, why) in not_shown::NOT_SHOWN {
        println!("not shown: {name} ({why})");
    }
    Ok(())
}

/// Everything that is generated.
fn documents(bases: &Bases) -> Result<Vec<Document>, String> {
    let page = Document { path: "METRICS.md".into(), text: samara_node::monitoring::markdown() };
    let path = "rules/alerts.yml".to_owned();
    let alerts = Document { text: bases.put_into(&read(&path)?), path };
    let boards = boards::all().into_iter().map(|(name, board)| Document {
        path: format!("grafana/{name}.json"),
        text: format!("{:#}\n", board.write()),
    });
    Ok([page, alerts].into_iter().chain(boards).collect())
}

/// A file of this folder.
fn read(path: &str) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path)
        .map_err(|why| format!("could not read {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_is_up_to_date() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        for Document { path, text } in documents(&Bases::default()).expect("the rules are there") {
            let found = std::fs::read_to_string(folder.join(&path)).unwrap_or_default();
            assert!(found == text, "{path}: run `cargo run --release -p samara-dashboards`");
        }
    }

    fn asked(args: &[&str]) -> Result<Wish, String> {
        wish(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_copy_for_a_fleet_has_its_links_and_is_complete() {
        let out = std::env::temp_dir().join(format!("samara-dashboards-{}", std::process::id()));
        let text = out.to_str().expect("plain");
        let wiki = ["--runbooks", "https://wiki.example/r", "--grafana", "https://g.example/"];
        let wish = asked(&[&["--out", text], &wiki[..]].concat()).expect("it may be asked");
        write(&wish).expect("written");
        let alerts = std::fs::read_to_string(out.join("rules/alerts.yml")).expect("written");
        let links = alerts.matches("runbook_url: https://wiki.example/r/Samara").count();
        assert_eq!(links, alerts.matches("- alert: ").count());
        assert_eq!(alerts.matches("dashboard_url: https://g.example/d/samara-").count(), links);
        for file in ["rules/recording.yml", "grafana/fleet-overview.json", "METRICS.md"] {
            assert!(out.join(file).is_file(), "{file}");
        }
        std::fs::remove_dir_all(&out).expect("removed");
    }

    #[test]
    fn wrong_options_are_refused_in_words() {
        for (args, words) in [
            (&["--out"][..], "needs a value"),
            (&["--rnbooks", "x"], "`--rnbooks` is not known"),
            (&["--runbooks", "wiki"], "https://HOST/PATH"),
            (&["--grafana", "https://g.example"], "need `--out DIR`"),
            (&["mine.json"], "need `--check`"),
            (&["--check"], "needs files, or `--prometheus URL`"),
        ] {
            let refused = asked(args).expect_err("refused");
            assert!(refused.contains(words), "{args:?}: {refused}");
        }
        assert_eq!(asked(&[]), Ok(Wish::default()));
    }
}
