# Reads a change as a unified diff. A word that the change and the test share counts once; it counts
# double where the change touches it, and not only shows it around.

/^(---|\+\+\+) / { note($2, 2); next }
/^[-+]/          { note($0, 2); next }
                 { note($0, 1) }

END {
    n = split(words(test " " file), own, " ")
    for (i = 1; i <= n; i++) {
        word = own[i]
        if (word in seen || !(word in weight)) continue
        seen[word] = 1
        relevance += weight[word]
        shared = shared (shared == "" ? "" : ", ") "\"" word "\""
    }
    # A test that failed lately is likelier to fail, the more so where it is about the change.
    flaky = failures > 5 ? 5 : failures
    score = relevance * (1 + flaky / 10) + flaky / 5 - seconds / 10
    printf "{\"score\": %.2f, \"relevance\": %d, \"shared\": [%s], \"failures\": %d, \"seconds\": %s}\n", \
        score, relevance, shared, failures, seconds + 0
}

function note(text, worth,    n, i, found) {
    n = split(words(text), found, " ")
    for (i = 1; i <= n; i++) if (weight[found[i]] < worth) weight[found[i]] = worth
}

# The words of a text without their commonest endings, so that rounds, rounded and rounding meet.
function words(text,    n, i, all, word, out) {
    gsub(/[^A-Za-z]+/, " ", text)
    n = split(tolower(text), all, " ")
    for (i = 1; i <= n; i++) {
        word = all[i]
        sub(/(ing|ed|s)$/, "", word)
        if (length(word) > 2 && !(word in common)) out = out " " word
    }
    return out
}

BEGIN {
    n = split("the and that with what each self src test tests let pub impl map iter", list, " ")
    for (i = 1; i <= n; i++) common[list[i]] = 1
}
