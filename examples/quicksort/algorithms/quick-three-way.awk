# Quicksort in three parts (Dijkstra's flag): what equals the pivot is done at once.

function sort(a, from, to,    low, high, i, p) {
    while (from < to) {
        p = a[int((from + to) / 2)]
        low = i = from
        high = to
        while (i <= high) {
            if (less(a[i], p)) swap(a, low++, i++)
            else if (less(p, a[i])) swap(a, i, high--)
            else i++
        }
        if (low - from < to - high) { sort(a, from, low - 1); from = high + 1 }
        else { sort(a, high + 1, to); to = low - 1 }
    }
}
