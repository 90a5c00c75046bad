# Heap sort: the largest of the heap goes to the end, again and again.

function sort(a, from, to,    i) {
    for (i = int((from + to) / 2); i >= from; i--) sink(a, i, from, to)
    for (i = to; i > from; i--) {
        swap(a, from, i)
        sink(a, from, from, i - 1)
    }
}

function sink(a, i, from, to,    child) {
    while ((child = from + 2 * (i - from) + 1) <= to) {
        if (child < to && less(a[child], a[child + 1])) child++
        if (!less(a[i], a[child])) return
        swap(a, i, child)
        i = child
    }
}
