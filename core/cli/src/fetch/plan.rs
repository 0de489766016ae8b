//! What goes where: the outputs of a fetch and the place of its resume state.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use samara_model::{ByteCount, ContentRef};

use crate::exit::Failure;

/// One content and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What is fetched.
    pub content: ContentRef,
    /// Where it will be, absolute.
    pub output: PathBuf,
}

/// The targets of one command, and its state directory.
#[derive(Debug)]
pub struct Plan {
    targets: Vec<Target>,
    folder: PathBuf,
    creates_folder: bool,
    state: PathBuf,
    state_is_ours: bool,
    state_was_there: bool,
}

impl Plan {
    /// One content goes to `output`; several go below it, which must then end in a slash.
    ///
    /// # Errors
    /// When that makes no sense.
    pub fn new(
        contents: &[ContentRef],
        output: &OsStr,
        data: Option<&Path>,
    ) -> Result<Plan, Failure> {
        let path = std::path::absolute(output)
            .map_err(|why| Failure::usage(format!("cannot use the output path: {why}")))?;
        let (targets, folder, beside) = match contents {
            [content] => single(content, &path)?,
            _ if output.as_bytes().ends_with(b"/") => several(contents, &path)?,
            _ => return Err(several_need_a_folder(output)),
        };
        let state = data.map_or(beside, Path::to_owned);
        Ok(Plan {
            targets,
            folder,
            creates_folder: contents.len() > 1,
            state_is_ours: data.is_none(),
            state_was_there: state.exists(),
            state,
        })
    }

    /// What is fetched, and to where.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The node's data directory.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Makes sure that the folder of the outputs exists.
    ///
    /// # Errors
    /// When it does not exist, or cannot be created.
    pub fn prepare(&self) -> Result<(), Failure> {
        let doing = || format!("could not write to {}", self.folder.display());
        if self.creates_folder {
            fs::create_dir_all(&self.folder).map_err(|why| Failure::because(doing(), &why))
        } else if self.folder.is_dir() {
            Ok(())
        } else {
            Err(Failure::new(doing(), "there is no such folder")
                .next("create it, or choose another -o"))
        }
    }

    /// Removes the state beside the output: everything is in its place.
    pub fn clean_up(&self) {
        if self.state_is_ours {
            // Nothing depends on it any more, and a failure to remove it is no failure of the fetch.
            let _ = fs::remove_dir_all(&self.state);
        }
    }

    /// Removes the state beside the output if this run made it and it is worth nothing.
    pub fn clean_up_unless_kept(&self, kept: u64) {
        if kept == 0 && !self.state_was_there && !self.has_partial_files() {
            self.clean_up();
        }
    }

    /// Whether a partial file, perhaps still empty, waits for a repeated command. The state belongs to it.
    fn has_partial_files(&self) -> bool {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names: Vec<OsString> = names.map(|entry| entry.file_name()).collect();
        let outputs = self.targets.iter().filter_map(|target| target.output.file_name());
        outputs.into_iter().any(|output| names.iter().any(|name| is_part_of(name, output)))
    }
}

type Places = (Vec<Target>, PathBuf, PathBuf);

fn single(content: &ContentRef, path: &Path) -> Result<Places, Failure> {
    let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else {
        return Err(Failure::usage(format!("`{}` cannot be an output", path.display()))
            .next("name the file or folder that is to appear, for example -o ./model"));
    };
    let target = Target { content: content.clone(), output: folder.join(name) };
    Ok((vec![target], folder.to_owned(), folder.join(state_name(name))))
}

/// Partial files are called `.NAME.SOMETHING.part`.
fn is_part_of(name: &OsStr, output: &OsStr) -> bool {
    let beginning = [b".", output.as_bytes(), b"."].concat();
    name.as_bytes().starts_with(&beginning) && name.as_bytes().ends_with(b".part")
}

/// `.NAME.samara`; a name too long for that is replaced by its digest.
fn state_name(name: &OsStr) -> OsString {
    const LONGEST: usize = 255 - ".".len() - ".samara".len();
    let mut state = OsString::from(".");
    match name.len() {
        0..=LONGEST => state.push(name),
        _ => state.push(blake3::hash(name.as_bytes()).to_hex().as_str()),
    }
    state.push(".samara");
    state
}

fn several(contents: &[ContentRef], folder: &Path) -> Result<Places, Failure> {
    let mut names = BTreeSet::new();
    let targets = contents.iter().map(|content| {
        let name = file_name(content);
        if !names.insert(name.clone()) {
            return Err(Failure::usage(format!("{content} is asked for twice")));
        }
        Ok(Target { content: content.clone(), output: folder.join(name) })
    });
    Ok((targets.collect::<Result<_, _>>()?, folder.to_owned(), folder.join(".samara")))
}

/// The name of a content in a folder of several: a release's slashes become dashes.
fn file_name(content: &ContentRef) -> String {
    content.to_string().replace('/', "-")
}

fn several_need_a_folder(output: &OsStr) -> Failure {
    let output = output.to_string_lossy();
    Failure::usage("several contents need a folder as output")
        .next(format!("end the output with a slash: -o {output}/"))
}

/// `1.2 GiB of 5 GiB are verified and kept in DIR`, if anything is.
pub fn kept_words(done: ByteCount, total: ByteCount, state: &Path) -> Option<String> {
    (done.0 > 0)
        .then(|| format!("{done} of {total} are verified; {} remembers them", state.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> ContentRef {
        text.parse().expect("a good name")
    }

    fn plan(contents: &[&str], output: &str) -> Result<Plan, Failure> {
        let contents: Vec<_> = contents.iter().map(|text| content(text)).collect();
        Plan::new(&contents, OsStr::new(output), None)
    }

    #[test]
    fn one_content_goes_to_the_output_and_its_state_beside_it() {
        for output in ["/x/model", "/x/model/", "/x/./model"] {
            let plan = plan(&["a@1"], output).expect("fine");
            assert_eq!(plan.targets()[0].output, Path::new("/x/model"), "{output}");
            assert_eq!(plan.state(), Path::new("/x/.model.samara"), "{output}");
        }
    }

    #[test]
    fn the_name_of_the_state_fits_a_folder_whatever_the_output_is_called() {
        for length in [1, 247, 248, 255] {
            let plan = plan(&["a@1"], &format!("/x/{}", "n".repeat(length))).expect("fine");
            assert!(plan.state().file_name().is_some_and(|name| name.len() <= 255), "{length}");
        }
    }

    #[test]
    fn several_contents_go_below_a_folder() {
        let plan = plan(&["a@1", "org/../b@2"], "/x/all/").expect("fine");
        let outputs: Vec<_> = plan.targets().iter().map(|target| target.output.clone()).collect();
        assert_eq!(outputs, [Path::new("/x/all/a@1"), Path::new("/x/all/org-..-b@2")]);
        assert_eq!(plan.state(), Path::new("/x/all/.samara"));
    }

    #[test]
    fn outputs_that_make_no_sense_are_refused() {
        assert!(plan(&["a@1"], "/").is_err());
        assert!(plan(&["a@1"], "/x/..").is_err());
        assert!(plan(&["a@1"], "").is_err());
        assert!(plan(&["a@1", "b@2"], "/x/all").is_err());
        assert!(plan(&["a@1", "a@1"], "/x/all/").is_err());
    }
}
