# What one does here every day: `just NAME`.

# The console on an offline run.
demo:
    cargo run --release -- demo

# A quick look at whether it compiles and is clean.
dev:
    cargo clippy --all-targets --locked

test *ARGS:
    cargo test --locked {{ARGS}}

# Tests whose snapshots may change: look at the diff before committing it.
snap:
    INSTA_UPDATE=always cargo test --locked
    git diff --stat -- '*.snap'

docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --open

# For example: just bench --agents 1000 --rounds 5
bench *ARGS:
    cargo bench --bench streams --locked -- {{ARGS}}

# What a change must pass.
ci:
    .ci/run
