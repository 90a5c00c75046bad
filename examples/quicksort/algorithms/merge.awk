# Merge sort, top down, with one spare array.

function sort(a, from, to,    middle, i, j, k) {
    if (from >= to) return
    middle = int((from + to) / 2)
    sort(a, from, middle)
    sort(a, middle + 1, to)
    if (!less(a[middle + 1], a[middle])) return
    for (i = from; i <= middle; i++) spare[i] = a[i]
    i = k = from
    j = middle + 1
    while (i <= middle && j <= to) {
        if (less(a[j], spare[i])) put(a, k++, a[j++])
        else put(a, k++, spare[i++])
    }
    while (i <= middle) put(a, k++, spare[i++])
}
