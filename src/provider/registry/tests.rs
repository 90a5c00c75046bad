use super::*;
use crate::domain::ProviderKind;
use secrecy::ExposeSecret;

fn registry(file: &str, environment: &[(&str, &str)]) -> Result<Registry, RegistryError> {
    let configs: BTreeMap<String, ProviderConfig> = toml::from_str(file).expect("a file that reads");
    let lookup = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    Registry::new(&configs, &lookup, PathBuf::from("flightdeck"))
}

fn descriptor(registry: &Registry, name: &str) -> Descriptor {
    registry.descriptors().into_iter().find(|descriptor| descriptor.name == name).expect("it is listed")
}

#[test]
fn without_configuration_there_are_the_built_in_ones() {
    let registry = registry("", &[("OPENAI_API_KEY", "sk-12345678")]).expect("no mistakes");
    let names: Vec<_> = registry.descriptors().into_iter().map(|d| (d.name, d.kind, d.default_model)).collect();
    let wanted = [
        ("anthropic".to_owned(), ProviderKind::Anthropic, Some("claude-haiku-4-5".to_owned())),
        ("openai".to_owned(), ProviderKind::Openai, Some("gpt-4o-mini".to_owned())),
        ("openrouter".to_owned(), ProviderKind::Openrouter, Some("openai/gpt-4o-mini".to_owned())),
        ("process".to_owned(), ProviderKind::Process, None),
        ("sim".to_owned(), ProviderKind::Sim, Some("sim-fast".to_owned())),
    ];
    assert_eq!(names, wanted);
    assert!(registry.get("openai", None).is_ok());
    let error = registry.get("grok", None).err().expect("not configured").to_string();
    assert!(error.contains("`anthropic`, `openai`, `openrouter`, `process`, `sim`"), "{error}");
}

#[test]
fn a_missing_key_is_an_error_before_any_request() {
    for environment in [&[][..], &[("OPENAI_API_KEY", "  ")]] {
        let registry = registry("", environment).expect("no mistakes");
        let error = registry.get("openai", None).err().expect("no key");
        assert!(matches!(error, RegistryError::MissingKey { .. }));
        assert!(error.to_string().contains("OPENAI_API_KEY"), "{error}");
    }
}

#[test]
fn addresses_come_from_the_flag_then_the_environment_then_the_file() {
    let file = "[openai]\nbase_url = \"http://file/v1\"\n[local]\nkind = \"openai\"\nbase_url = \"http://local/v1\"";
    let key = ("OPENAI_API_KEY", "sk-12345678");
    let endpoint = |registry: &Registry, flag: Option<&str>| {
        registry.get("openai", flag).expect("usable").descriptor().endpoint.clone()
    };
    let plain = registry(file, &[key]).expect("no mistakes");
    assert_eq!(endpoint(&plain, None).as_deref(), Some("http://file/v1"));
    let set = registry(file, &[key, ("OPENAI_BASE_URL", "http://env/v1/")]).expect("no mistakes");
    assert_eq!(endpoint(&set, None).as_deref(), Some("http://env/v1"));
    assert_eq!(endpoint(&set, Some("http://flag/v1")).as_deref(), Some("http://flag/v1"));
    assert_eq!(descriptor(&set, "local").endpoint.as_deref(), Some("http://local/v1"));
    assert!(matches!(set.get("openai", Some("flag")), Err(RegistryError::BaseUrl { .. })));
    let broken = registry("", &[key, ("OPENAI_BASE_URL", "localhost")]).expect("others can be used");
    let error = broken.get("openai", None).err().expect("no URL").to_string();
    assert!(error.contains("OPENAI_BASE_URL"), "{error}");
    assert!(matches!(set.get("sim", Some("http://flag")), Err(RegistryError::BaseUrl { .. })));
}

#[test]
fn each_vendor_has_its_own_variables() {
    for (name, prefix) in [("anthropic", "ANTHROPIC"), ("openai", "OPENAI"), ("openrouter", "OPENROUTER")] {
        let (key, address) = (format!("{prefix}_API_KEY"), format!("{prefix}_BASE_URL"));
        let error = registry("", &[]).expect("no mistakes").get(name, None).err().expect("no key").to_string();
        assert!(error.contains(&key), "{error}");
        let set = registry("", &[(&key, "sk-12345678"), (&address, "http://env/x")]).expect("no mistakes");
        let provider = set.get(name, None).expect("usable");
        assert_eq!(provider.descriptor().endpoint.as_deref(), Some("http://env/x"), "{name}");
    }
}

#[test]
fn the_built_in_provider_may_speak_the_other_protocol_of_its_vendor() {
    let file = "[openai]\nkind = \"openai_responses\"";
    let registry = registry(file, &[("OPENAI_API_KEY", "sk-12345678")]).expect("no mistakes");
    let descriptor = registry.get("openai", None).expect("usable").descriptor().clone();
    assert_eq!(descriptor.kind, ProviderKind::OpenaiResponses);
    assert_eq!(descriptor.endpoint.as_deref(), Some("https://api.openai.com/v1"));
    assert!(!descriptor.takes_seed);
}

#[test]
fn a_provider_is_made_once_for_each_address() {
    let registry = registry("[openai]\nauth = { type = \"none\" }", &[]).expect("no mistakes");
    let get = |flag| registry.get("openai", flag).expect("usable");
    assert!(Arc::ptr_eq(&get(Some("http://a/v1")), &get(Some("http://a/v1"))));
    assert!(!Arc::ptr_eq(&get(Some("http://a/v1")), &get(Some("http://b/v1"))));
}

#[test]
fn the_gate_learns_the_keys_that_are_used() {
    let file = r#"
        [a]
        kind = "openai"
        base_url = "http://a/v1"
        auth = { type = "api_key", token_env = "A_KEY" }
        [b]
        kind = "openai"
        base_url = "http://b/v1"
        auth = { type = "bearer", token_env = "A_KEY" }
    "#;
    let environment = [("A_KEY", "key-of-a-and-b"), ("OPENAI_API_KEY", "sk-12345678"), ("HOME", "/home/x")];
    let secrets = registry(file, &environment).expect("no mistakes").secrets();
    let secrets: Vec<_> = secrets.iter().map(|(label, key)| (label.as_str(), key.expose_secret())).collect();
    assert_eq!(secrets, [("A_KEY", "key-of-a-and-b"), ("OPENAI_API_KEY", "sk-12345678")]);
}

#[test]
fn the_standard_key_goes_to_the_standard_provider_only() {
    let file = "[other]\nkind = \"openai\"\nbase_url = \"http://other/v1\"";
    let registry = registry(file, &[]).expect("no mistakes");
    assert!(registry.get("other", None).is_ok(), "it wants no key, since none was named");
    assert_eq!(descriptor(&registry, "other").default_model, None);
}

#[test]
fn mistakes_name_their_section_and_what_to_write() {
    let cases = [
        ("[x]\nmax_concurrent = 2", "[providers.x]: say what it speaks"),
        ("[x]\nkind = \"openai\"\nrate = { requests_per_second = 20 }", "`rate` is not available yet"),
        ("[x]\nmodel = \"m\"", "\"openai_responses\""),
        ("[openai]\nheaders = { \"X-API-Key\" = \"k\" }", "`X-API-Key` holds a key: use `auth`"),
        ("[openai]\nheaders = { \"a b\" = \"c\" }", "`a b` can't be sent"),
        ("[openai]\nheaders = { a = \"b\\nc\" }", "`a` can't be sent"),
        ("[sim]\nheaders = { a = \"b\" }", "`headers` is for servers"),
        ("[openai]\nmax_concurrent = 0", "[providers.openai]: `max_concurrent = 0`"),
        ("[openai]\nlatency_ms = 3", "`latency_ms` is a setting of the simulator"),
        ("[openai]\nbase_url = \"localhost\"", "base_url: `localhost` is no URL"),
        ("[openai]\nauth = { type = \"none\", token_env = \"X\" }", "`token_env` goes with"),
        ("[openai]\nauth = { type = \"bearer\", header = \"X\" }", "`header` goes with"),
        ("[process]\nmodel = \"x\"", "`model` is for servers"),
        ("[process]\nbase_url = \"http://x\"", "`base_url` is for servers"),
        ("[sim]\nerror_rate = 2", "`error_rate` is a share"),
        ("[sim]\ntokens_per_second = 0", "`tokens_per_second` must be more than 0"),
    ];
    for (file, wanted) in cases {
        let error = registry(file, &[]).err().expect(file).to_string();
        assert!(error.contains(wanted), "{file}: {error}");
    }
}

#[test]
fn a_key_that_can_not_be_sent_is_refused_without_showing_it() {
    let registry = registry("", &[("OPENAI_API_KEY", "sk-123\n45678")]).expect("no mistakes");
    let error = registry.get("openai", None).err().expect("a line break").to_string();
    assert!(error.contains("OPENAI_API_KEY") && !error.contains("45678"), "{error}");
}
