use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(text: &str) -> Template {
    Template::parse(text, "TEMPLATE").expect(text)
}

fn values(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}

fn rendered(text: &str, row: Value) -> String {
    parse(text).render(&values(row)).expect(text)
}

fn complaint(text: &str, row: Value) -> String {
    match Template::parse(text, "p.txt") {
        Err(error) => error.to_string(),
        Ok(template) => template.render(&values(row)).expect_err(text).to_string(),
    }
}

#[test]
fn values_appear_as_they_are_and_structures_as_json() {
    let row = json!({"s": "<b> & \"q\"", "n": 3, "f": 1.5, "big": 18_446_744_073_709_551_615_u64, "t": true,
        "none": null, "list": [1, "x", null], "object": {"z": 1, "a": {"k": [true]}}});
    for (name, expected) in [
        ("s", "<b> & \"q\""),
        ("n", "3"),
        ("f", "1.5"),
        ("big", "18446744073709551615"),
        ("t", "true"),
        ("none", "null"),
        ("list", r#"[1,"x",null]"#),
        ("object", r#"{"z":1,"a":{"k":[true]}}"#),
    ] {
        assert_eq!(rendered(&format!("<{{{{ {name} }}}}>"), row.clone()), format!("<{expected}>"));
        let through_the_engine = format!("<{{{{ {name} }}}}>{{% if true %}}{{% endif %}}");
        assert_eq!(rendered(&through_the_engine, row.clone()), format!("<{expected}>"));
    }
}

#[test]
fn the_language_of_jinja_is_there() {
    for (text, row, expected) in [
        ("{% for x in xs %}{{ loop.index }}:{{ x.k }} {% endfor %}", json!({"xs": [{"k": 1}, {"k": 2}]}), "1:1 2:2 "),
        ("{% if a > 2 %}big{% else %}small{% endif %}", json!({"a": 3}), "big"),
        ("{{ w|upper }} {{ o|tojson }}", json!({"w": "a", "o": {"b": 1}}), r#"A {"b": 1}"#),
        ("{% raw %}{{ w }}{% endraw %}{# gone #}", json!({}), "{{ w }}"),
        ("{{ hint|default('none') }}", json!({}), "none"),
        ("a  {{- w -}}  b\n", json!({"w": 1}), "a1b\n"),
        ("line\n", json!({}), "line\n"),
        ("", json!({}), ""),
    ] {
        assert_eq!(rendered(text, row), expected, "{text}");
    }
}

#[test]
fn variables_are_those_of_the_row_in_order() {
    for (text, expected) in [
        ("{{ b }} {{ a }} {{ b }}", vec!["b", "a"]),
        ("{% for x in xs %}{{ x }}{{ y }}{{ loop.index }}{% endfor %}", vec!["xs", "y"]),
        ("{% set a = b %}{{ a }}", vec!["b"]),
        ("{% with a = c %}{{ a }}{% endwith %}{{ a }}", vec!["c", "a"]),
        ("{{ o.field[i] }}{{ [p, {q: r}] }}", vec!["o", "i", "p", "q", "r"]),
        ("{% for i in range(n) %}{{ i }}{% endfor %}{{ range }}", vec!["n", "range"]),
        ("{{ x if t else e }}", vec!["x", "t", "e"]),
        ("no names {% raw %}{{ a }}{% endraw %}", vec![]),
    ] {
        let template = parse(text);
        let names: Vec<_> = template.variables().iter().map(|variable| variable.name.as_str()).collect();
        assert_eq!(names, expected, "{text}");
    }
}

#[test]
fn spans_cover_what_is_highlighted() {
    let text = "ü {{ word }}, {{-word-}} {{ word|upper }} {% if word %}{% endif %}";
    let template = parse(text);
    let spans: Vec<_> = template.variables()[0].spans.iter().map(|span| &text[span.clone()]).collect();
    assert_eq!(spans, ["{{ word }}", "{{-word-}}", "word", "word"]);
}

#[test]
fn a_template_that_says_what_happens_without_a_name_makes_it_optional() {
    let template = parse("{% if hint is defined %}{{ hint }}{% endif %}{{ tone|default('x') }}{{ word }}");
    let optional: Vec<_> = template.variables().iter().map(|v| (v.name.as_str(), v.optional)).collect();
    assert_eq!(optional, [("hint", true), ("tone", true), ("word", false)]);
}

#[test]
fn errors_say_where_and_what() {
    insta::assert_snapshot!(complaint("one\nüber {{ word", json!({})), @"p.txt, line 2, column 9: unexpected end of input, expected end of variable block; to have {{ or {% in the text itself, put {% raw %} before it and {% endraw %} after it");
    insta::assert_snapshot!(complaint("a {% include 'x' %}", json!({})), @"p.txt, line 1, column 6: unknown statement include; to have {{ or {% in the text itself, put {% raw %} before it and {% endraw %} after it");
    insta::assert_snapshot!(complaint("a {% for x in %}", json!({})), @"p.txt, line 1, column 15: unexpected end of block; to have {{ or {% in the text itself, put {% raw %} before it and {% endraw %} after it");
    insta::assert_snapshot!(complaint("a {{ word }}", json!({})), @"p.txt, line 1, column 3: there is no value `word`");
    insta::assert_snapshot!(complaint("a\n  {{ o.field }}", json!({"o": {}})), @"p.txt, line 2, column 6: there is no value `o.field`");
    insta::assert_snapshot!(complaint("{{ o.field.more }}", json!({"o": {}})), @"p.txt, line 1, column 5: there is no value `field.more`");
    insta::assert_snapshot!(complaint("{{ word|shout }}", json!({"word": "x"})), @"p.txt, line 1, column 9: filter shout is unknown");
    insta::assert_snapshot!(complaint("{{ word + 1 }}", json!({"word": "x"})), @"p.txt, line 1, column 4: tried to use + operator on unsupported types string and number");
}

#[test]
fn a_template_can_neither_run_nor_grow_forever() {
    let nested = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    insta::assert_snapshot!(complaint(nested, json!({})), @"p.txt: the template does not come to an end within 1000000 steps: loop over less");
    let long = "{% for a in range(10000) %}{{ w }}{% endfor %}";
    insta::assert_snapshot!(complaint(long, json!({"w": "x".repeat(10_000)})), @"p.txt: the template makes more than 16 MiB of text: no request can be that long");
    insta::assert_snapshot!(complaint("{{ w }}{{ w }}", json!({"w": "x".repeat(9 << 20)})), @"p.txt: the template makes more than 16 MiB of text: no request can be that long");
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused(text in r"[a-z{}%# |\n'ü.\-]{0,40}") {
        let _ = Template::parse(&text, "TEMPLATE");
    }

    #[test]
    fn both_forms_agree(before in "[a-zü\n ]{0,10}", value in any::<(Option<i64>, f64, String)>()) {
        let (number, float, text) = value;
        let row = values(json!({"a": number, "b": float, "c": text, "d": [text.clone(), float]}));
        let plain = format!("{before}{{{{ a }}}} {{{{ b }}}} {{{{ c }}}} {{{{ d }}}}");
        let full = format!("{plain}{{% if true %}}{{% endif %}}");
        prop_assert_eq!(parse(&plain).render(&row), parse(&full).render(&row));
    }
}
