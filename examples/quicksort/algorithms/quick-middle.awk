# Quicksort (Hoare) with the number in the middle as its pivot.

function pivot(a, from, to) { return a[int((from + to) / 2)] }

function sort(a, from, to,    i, j, p) {
    # The shorter part by recursion, the longer one here: the stack stays short.
    while (from < to) {
        p = pivot(a, from, to)
        i = from - 1
        j = to + 1
        while (1) {
            do i++; while (less(a[i], p))
            do j--; while (less(p, a[j]))
            if (i >= j) break
            swap(a, i, j)
        }
        if (j - from < to - j) { sort(a, from, j); from = j + 1 }
        else { sort(a, j + 1, to); to = j }
    }
}
