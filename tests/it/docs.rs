//! What the documents promise to lead somewhere does.

use std::fs;
use std::path::{Path, PathBuf};

fn documents() -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_docs = fs::read_dir(package.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let at_the_top = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| package.join(name));
    in_docs.chain(at_the_top).filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The targets of Markdown links to files: `](target)`.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target).filter(|target| !target.contains("://")).collect()
}

#[test]
fn links_lead_to_files() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            let file = document.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(file.exists(), "{} links to {link}, which is not there", document.display());
        }
    }
}

#[test]
fn only_links_to_files_are_followed() {
    assert_eq!(links("[a](b.md) and [c](https://d.example/e) and [f](g.md#h)"), ["b.md", "g.md#h"]);
}
