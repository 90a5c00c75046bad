# Reads numbers, has them sorted by sort(a, from, to) of an algorithm, and checks its work.

{ a[NR] = $1 + 0; sum += $1 }

END {
    sort(a, 1, NR)
    for (i = 1; i <= NR; i++) {
        left += a[i]
        if (i > 1 && a[i] < a[i - 1]) fail("number " i " is out of place")
    }
    if (left != sum) fail("numbers were lost")
    printf "{\"numbers\": %d, \"comparisons\": %d, \"moves\": %d}\n", NR, comparisons, moves
}

function less(x, y) { comparisons++; return x < y }

function put(a, i, x) { moves++; a[i] = x }

function swap(a, i, j,    x) { x = a[i]; put(a, i, a[j]); put(a, j, x) }

function fail(why) { print "not sorted: " why > "/dev/stderr"; failed = 1; exit 1 }
