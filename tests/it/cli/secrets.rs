//! What must not get out: keys, raw texts, escape sequences.

use serde_json::json;

use crate::support::flightdeck::{API_KEY, Home};
use crate::support::mock_openai::{Answer, MockOpenAi, Seen};

fn contains(home: &Home, needle: &str) -> Vec<String> {
    let needle = needle.as_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(home.dir()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        if bytes.windows(needle.len()).any(|window| window == needle) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn a_key_never_comes_out_again() {
    let server = MockOpenAi::start(|seen: &Seen| match seen.prompt() {
        "0" => Answer::tokens(["the key is ", API_KEY, "."]),
        "1" => Answer::error(400, "bad", &format!("Incorrect request with {API_KEY}")),
        "2" => Answer::tokens([&API_KEY[..9], &API_KEY[9..]]).ends_after(2, crate::support::mock_openai::End::Cut),
        _ => Answer::error(500, API_KEY, API_KEY).header("retry-after-ms", "1").header("x-request-id", API_KEY),
    });
    let home = Home::with(&server).rows(4);
    let mut shown = Vec::new();
    let ended = home.run("run {{n}} --args rows.jsonl --out out.jsonl --retries 1").exits(1);
    shown.push(ended.stdout + &ended.stderr + &home.read("out.jsonl"));
    let run = home.newest_run()["id"].as_str().unwrap().to_owned();
    let listings =
        ["runs", "agents", "tasks", "events", &format!("show {run}"), &format!("show {run}.0")].map(str::to_owned);
    for listing in listings {
        for json in ["", " --json"] {
            let ended = home.run(&format!("{listing}{json}")).exits(0);
            shown.push(ended.stdout + &ended.stderr);
        }
    }
    for text in shown {
        assert!(!text.contains(API_KEY), "{text}");
    }
    let server_got = server.seen();
    let bearer = format!("Bearer {API_KEY}");
    assert!(server_got.iter().all(|seen| seen.header("authorization") == Some(bearer.as_str())));
    assert_eq!(contains(&home, API_KEY), Vec::<String>::new());
}

#[test]
fn texts_are_encrypted_at_rest() {
    let server = MockOpenAi::always(Answer::tokens((0..60).map(|_| "confidential-answer ")));
    let home = Home::with(&server);
    home.write("rows.csv", &format!("a\n{}\n", "confidential-row ".repeat(60)));
    home.run("run confidential-template-{{a}} --args rows.csv --system confidential-system").exits(0);
    std::fs::remove_file(home.path("rows.csv")).unwrap();
    assert_eq!(contains(&home, "confidential-row"), Vec::<String>::new());
    assert_eq!(contains(&home, "confidential-system"), Vec::<String>::new());
}

#[test]
fn escape_sequences_do_not_reach_a_terminal() {
    let evil = "a\u{1b}]0;owned\u{7}b\u{1b}[31mc\u{9b}2Jd\u{202e}e\u{1b}]52;c;aGk=\u{7}";
    let server = MockOpenAi::start(move |seen: &Seen| match seen.prompt() {
        "0" => Answer::tokens([evil]),
        _ => Answer::error(400, "bad", evil),
    });
    let home = Home::with(&server).rows(2);
    let ended = home.run("run {{n}} --args rows.jsonl").exits(1);
    // A pipe gets the output as it is; JSON writes no control character raw.
    assert_eq!(ended.by_task()[0]["output"], json!(evil));
    let run = home.newest_run()["id"].as_str().unwrap().to_owned();
    let mut shown = vec![ended.stdout, ended.stderr];
    for listing in ["tasks", "events", &format!("show {run}"), &format!("show {run}.0"), &format!("show {run}.1")] {
        shown.push(home.run(listing).exits(0).stdout);
        shown.push(home.run(&format!("{listing} --json")).exits(0).stdout);
    }
    for text in shown {
        let bad = text.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t' || *c == '\u{202e}');
        assert_eq!(bad, None, "{text:?}");
    }
    for event in home.list("events --type call_finished") {
        let preview = event["data"]["answer"]["preview"].as_str().unwrap_or_default();
        assert!(!preview.chars().any(char::is_control), "{event}");
    }
}

#[test]
fn a_home_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.run("run hi --home inner").exits(0);
    let mode = |path: &str| std::fs::metadata(home.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("inner"), 0o700);
    for file in std::fs::read_dir(home.path("inner")).unwrap().flatten().filter(|file| file.path().is_file()) {
        let name = format!("inner/{}", file.file_name().to_string_lossy());
        assert_eq!(mode(&name), 0o600, "{name}");
    }
}
