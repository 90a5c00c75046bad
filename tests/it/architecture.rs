//! What the compiler does not check of `ARCHITECTURE.md`: the direction of dependencies, purity,
//! and the sizes and habits that keep files readable.
//!
//! Each check takes sources and returns what is wrong, so that the samples at the end can show
//! that it is able to fail.

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::{Target, Token};

/// What a module may use besides itself; where two lines fit, the longer name counts. An entry
/// allows everything below it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("aggregate", &[]),
    ("domain", &[]),
    ("guard", &[]),
    ("dispatch", &["domain", "guard"]),
    ("limits", &["domain", "guard"]),
    ("recovery", &["domain", "guard"]),
    ("workflow", &["domain", "guard"]),
    ("cost", &["domain", "guard"]),
    ("provider", &["domain", "guard"]),
    ("tool", &["domain", "guard"]),
    ("workspace", &["domain", "guard"]),
    ("store", &["domain", "guard"]),
    ("engine", BELOW_THE_ENGINE),
    ("engine::decide", PURE),
    ("api", SURFACE),
    ("cli", SURFACE),
    ("console", SURFACE),
    ("console::widgets", &["console::theme"]),
    ("config", &["console::keymap", "console::theme", "cost", "domain", "guard", "limits", "provider", "store"]),
    ("deck", ALL),
    ("app", ALL),
    ("main", ALL),
    ("lib", ALL),
];

const ALL: &[&str] = &[""];

const BELOW_THE_ENGINE: &[&str] = &[
    "cost",
    "dispatch",
    "domain",
    "guard",
    "limits",
    "provider",
    "recovery",
    "store",
    "tool",
    "workflow",
    "workspace",
];

/// The engine's handle, and the plain data that its signatures name.
const SURFACE: &[&str] = &[
    "aggregate",
    "cost",
    "dispatch",
    "domain",
    "engine::handle",
    "guard",
    "provider::Descriptor",
    "store::Filter",
    "store::StoredEvent",
    "store::rows",
];

/// Modules without a runtime, files, processes, clocks and chance.
const PURE: &[&str] =
    &["aggregate", "cost", "dispatch", "domain", "engine::decide", "guard", "limits", "recovery", "workflow"];

/// What makes code impure: these segments anywhere in a path that it names.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio_util",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "Instant",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "rand",
    "getrandom",
];

/// Modules whose parts may not know each other.
const SEPARATE_PARTS: &[&str] = &["console::panes"];

const MOST_LINES: usize = 600;

/// A file, and the module that it is.
struct Source {
    file: PathBuf,
    module: Vec<String>,
    text: String,
    tokens: Vec<Token>,
}

#[test]
fn modules_use_only_what_lies_below_them() {
    assert_none(&wrong_directions(&product()), "see \"Direction\" in ARCHITECTURE.md");
}

#[test]
fn pure_modules_are_pure() {
    assert_none(&impurities(&product()), "pass it in as a value, or do it in engine/perform");
}

#[test]
fn pure_modules_stand_on_pure_modules() {
    for (module, allowed) in MAY_USE.iter().filter(|(module, _)| PURE.contains(module)) {
        assert!(allowed.iter().all(|used| PURE.contains(used)), "{module} is pure and may use {allowed:?}");
    }
}

#[test]
fn files_are_short() {
    let all = ["src", "tests", "benches"].map(|folder| sources(folder, &[])).into_iter().flatten().collect::<Vec<_>>();
    assert_none(&long_files(&all), "split it along what it does");
}

#[test]
fn exceptions_give_their_reason() {
    let all = ["src", "tests", "benches"].map(|folder| sources(folder, &[])).into_iter().flatten().collect::<Vec<_>>();
    assert_none(&unreasoned(&all), "add `reason = \"…\"`");
}

#[test]
fn no_file_is_forgotten() {
    assert_none(&forgotten(&sources("src", &["lib", "main"]), &["lib", "main"]), "declare it: `mod name;`");
    assert_none(&forgotten(&sources("tests/it", &["main"]), &["main"]), "declare it: `mod name;`");
    let loose = sources("tests", &[]).into_iter().filter(|source| source.file.parent() == Some(Path::new("tests")));
    let loose: Vec<_> = loose.map(|source| source.file.display().to_string()).collect();
    assert_none(&loose, "there is one integration binary: move it to tests/it");
}

fn assert_none(wrong: &[String], advice: &str) {
    assert!(wrong.is_empty(), "{}\n{advice}", wrong.join("\n"));
}

fn wrong_directions(sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<String> = sources.iter().map(|source| source.module.join("::")).collect();
    let mut wrong = Vec::new();
    for source in sources {
        let module = source.module.join("::");
        let Some((owner, allowed)) = rule(&module) else {
            wrong.push(format!("{}: MAY_USE does not say what `{module}` may use", source.file.display()));
            continue;
        };
        for named in source::paths(&source.tokens, &source.module) {
            let Target::Crate(path) = named.target else { continue };
            let path = path.join("::");
            let may = is_below(&path, owner) || allowed.iter().any(|entry| is_below(&path, entry));
            if !may || is_sibling_part(&module, &path, &modules) {
                let at = format!("{}:{}", source.file.display(), named.line);
                wrong.push(format!("{at}: `{module}` uses `crate::{path}`"));
            }
        }
    }
    wrong
}

/// The line of `MAY_USE` that counts for a module.
fn rule(module: &str) -> Option<(&'static str, &'static [&'static str])> {
    let fitting = MAY_USE.iter().filter(|(owner, _)| is_below(module, owner));
    fitting.max_by_key(|(owner, _)| owner.len()).copied()
}

/// Whether `path` is `ancestor` or something in it.
fn is_below(path: &str, ancestor: &str) -> bool {
    ancestor.is_empty() || path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether `path` leads from one part of a module whose parts are separate to another of them.
fn is_sibling_part(module: &str, path: &str, modules: &BTreeSet<String>) -> bool {
    let part = |whole: &str, name: &str| {
        let rest = name.strip_prefix(whole)?.strip_prefix("::")?;
        Some(format!("{whole}::{}", rest.split("::").next()?))
    };
    SEPARATE_PARTS.iter().any(|whole| match (part(whole, module), part(whole, path)) {
        (Some(own), Some(other)) => own != other && modules.contains(&other),
        _ => false,
    })
}

fn impurities(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let module = source.module.join("::");
        if !PURE.iter().any(|pure| is_below(&module, pure)) {
            continue;
        }
        for named in source::paths(&source.tokens, &source.module) {
            let Target::Other(path) = named.target else { continue };
            let path = path.join("::");
            if IMPURE.iter().any(|banned| format!("::{path}::").contains(&format!("::{banned}::"))) {
                wrong.push(format!("{}:{}: `{module}` is pure and names `{path}`", source.file.display(), named.line));
            }
        }
    }
    wrong
}

fn long_files(sources: &[Source]) -> Vec<String> {
    let lines = sources.iter().map(|source| (source, source.text.lines().count()));
    let long = lines.filter(|&(_, lines)| lines > MOST_LINES);
    long.map(|(source, lines)| format!("{}: {lines} lines, at most {MOST_LINES}", source.file.display())).collect()
}

fn unreasoned(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let all = source::tokens(&source.text);
        for (at, token) in all.iter().enumerate().filter(|(_, token)| token.text == "allow" || token.text == "expect") {
            let starts_attribute = at > 1 && all[at - 1].text == "[" && matches!(all[at - 2].text.as_str(), "#" | "!");
            let inside = &all[at..source::closing(&all, at + 1).min(all.len())];
            if starts_attribute && !inside.iter().any(|token| token.text == "reason") {
                wrong.push(format!("{}:{}: `{}` without a reason", source.file.display(), token.line, token.text));
            }
        }
    }
    wrong
}

/// Files that no `mod name;` of their parent names.
fn forgotten(sources: &[Source], roots: &[&str]) -> Vec<String> {
    let mut declared = BTreeSet::new();
    for source in sources {
        let is_root = matches!(source.module.as_slice(), [only] if roots.contains(&only.as_str()));
        let parent = if is_root { &[][..] } else { &source.module[..] };
        for name in source::declared_modules(&source::tokens(&source.text)) {
            declared.insert([parent, &[name][..]].concat());
        }
    }
    declared.extend(roots.iter().map(|root| vec![(*root).to_owned()]));
    let missing = sources.iter().filter(|source| !declared.contains(&source.module));
    missing.map(|source| format!("{}: nothing declares it", source.file.display())).collect()
}

/// What is compiled into the product, without its unit tests.
fn product() -> Vec<Source> {
    let mut sources = sources("src", &["lib", "main"]);
    let mut tests_only = Vec::new();
    for source in &mut sources {
        let (kept, test_modules) = source::without_tests(&source.tokens);
        source.tokens = kept;
        tests_only.extend(test_modules.into_iter().map(|name| [&source.module[..], &[name][..]].concat()));
    }
    sources.retain(|source| !tests_only.iter().any(|tests| source.module.starts_with(tests)));
    sources
}

/// All Rust files below a folder of the package, in the order of their names.
fn sources(folder: &str, roots: &[&str]) -> Vec<Source> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&package.join(folder), &mut files);
    files.sort();
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let inside = file.strip_prefix(package.join(folder)).unwrap();
        let shown = file.strip_prefix(package).unwrap().to_owned();
        Source::new(shown, inside, text)
    };
    let sources: Vec<_> = files.into_iter().map(read).collect();
    for root in roots {
        let module = [(*root).to_owned()];
        assert!(sources.iter().any(|source| source.module == module), "{folder}/{root}.rs is not there");
    }
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

impl Source {
    /// `inside` is the file's path below the root of its modules.
    fn new(file: PathBuf, inside: &Path, text: String) -> Self {
        let mut module: Vec<String> =
            inside.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.len() > 1 && module.last().is_some_and(|name| name == "mod") {
            module.pop();
        }
        let tokens = source::tokens(&text);
        Self { file, module, text, tokens }
    }
}

mod samples {
    use super::*;

    fn sample(file: &str, text: &str) -> Source {
        Source::new(PathBuf::from(file), Path::new(file), text.to_owned())
    }

    fn wrong_in(file: &str, text: &str) -> Vec<String> {
        wrong_directions(&[sample(file, text)])
    }

    #[test]
    fn a_wrong_direction_is_found_however_it_is_written() {
        let ways = [
            "use crate::engine::handle::Handle;",
            "use crate::{domain::Run, engine};",
            "use super::engine::X;",
            "fn f() { crate::engine::x() }",
            "mod inner { use super::super::engine::X; }",
            "use crate::*;",
            "use crate as all;",
        ];
        for way in ways {
            assert_eq!(wrong_in("domain.rs", way).len(), 1, "{way}");
        }
        assert_eq!(wrong_in("store/sqlite/mod.rs", "use super::super::cost::Estimate;").len(), 1);
    }

    #[test]
    fn the_longer_rule_counts() {
        assert_eq!(wrong_in("console/view.rs", "use crate::domain::Run; use crate::engine::handle;").len(), 0);
        assert_eq!(wrong_in("console/view.rs", "use crate::engine::perform; use crate::store::Store;").len(), 2);
        assert_eq!(wrong_in("console/widgets/bar.rs", "use crate::console::theme::Theme;").len(), 0);
        assert_eq!(wrong_in("console/widgets/bar.rs", "use crate::domain::Money; use super::super::view;").len(), 2);
        assert_eq!(wrong_in("engine/perform.rs", "use crate::provider::Provider;").len(), 0);
        assert_eq!(wrong_in("engine/decide/start.rs", "use crate::provider::Provider;").len(), 1);
        assert_eq!(wrong_in("engine/decide/start.rs", "use super::super::perform::Gate;").len(), 1);
    }

    #[test]
    fn a_module_without_a_rule_is_found() {
        assert_eq!(wrong_in("misc/mod.rs", "").len(), 1);
        assert_eq!(wrong_in("domains.rs", "").len(), 1, "a longer name is another module");
    }

    #[test]
    fn a_pane_may_not_use_another() {
        let with = |text: &str| {
            let panes = [
                sample("console/panes/mod.rs", "pub trait Pane {}"),
                sample("console/panes/grid.rs", text),
                sample("console/panes/events.rs", ""),
            ];
            wrong_directions(&panes).len()
        };
        assert_eq!(with("use super::Pane; use crate::console::panes::grid::X;"), 0);
        assert_eq!(with("use super::events::X;"), 1);
        assert_eq!(with("use crate::console::{panes::events, theme};"), 1);
    }

    #[test]
    fn impurity_is_found_in_pure_modules_only() {
        let ways = [
            "use tokio::sync::mpsc;",
            "use std::{fmt, fs};",
            "use std::time::{Duration, Instant};",
            "fn f() { let t = chrono::Utc::now(); }",
            "use rand;",
            "fn f() { ::std::process::id(); }",
        ];
        for way in ways {
            assert_eq!(impurities(&[sample("engine/decide/mod.rs", way)]).len(), 1, "{way}");
            assert_eq!(impurities(&[sample("engine/perform.rs", way)]).len(), 0, "{way}");
        }
        let fine = "use std::time::Duration; use std::path::PathBuf; struct Brand; type X = Brand::rand_like;";
        assert_eq!(impurities(&[sample("domain/run.rs", fine)]), [""; 0]);
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(long_files(&[sample("a.rs", &"\n".repeat(MOST_LINES))]).len(), 0);
        assert_eq!(long_files(&[sample("a.rs", &"\n".repeat(MOST_LINES + 1))]).len(), 1);
    }

    #[test]
    fn an_exception_without_a_reason_is_found() {
        let bad = "#[allow(dead_code)] fn f() {}\n#![expect(clippy::all)]";
        assert_eq!(unreasoned(&[sample("a.rs", bad)]).len(), 2);
        let good = "#[allow(dead_code, reason = \"…\")] fn f() { x.expect(1); } // #[allow(x)]";
        assert_eq!(unreasoned(&[sample("a.rs", good)]), [""; 0]);
    }

    #[test]
    fn a_file_that_nothing_declares_is_found() {
        let files = [
            sample("main.rs", "mod a; #[cfg(test)] mod t;"),
            sample("a/mod.rs", "mod b; // mod c;"),
            sample("a/b.rs", ""),
            sample("a/c.rs", ""),
            sample("t.rs", ""),
            sample("d.rs", ""),
        ];
        assert_eq!(forgotten(&files, &["main"]), ["a/c.rs: nothing declares it", "d.rs: nothing declares it"]);
    }
}
