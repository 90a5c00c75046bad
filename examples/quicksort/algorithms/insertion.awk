# Insertion sort: quadratic, and hard to beat where the input is sorted.

function sort(a, from, to,    i, j, x) {
    for (i = from + 1; i <= to; i++) {
        x = a[i]
        for (j = i; j > from && less(x, a[j - 1]); j--) put(a, j, a[j - 1])
        put(a, j, x)
    }
}
