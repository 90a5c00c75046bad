# Shell sort with the gaps of Ciura (2001).

function sort(a, from, to,    gaps, n, g, gap, i, j, x) {
    n = split("701 301 132 57 23 10 4 1", gaps, " ")
    for (g = 1; g <= n; g++) {
        gap = gaps[g]
        for (i = from + gap; i <= to; i++) {
            x = a[i]
            for (j = i; j - gap >= from && less(x, a[j - gap]); j -= gap) put(a, j, a[j - gap])
            put(a, j, x)
        }
    }
}
