## B2, B3, B6 and B7: trees, pairs of retain and release, bytes an object, and a long list.

import protocol, graph

proc build(depth: int): Node =
  var left, right: Node
  if depth > 0:
    left = build(depth - 1)
    right = build(depth - 1)
  Node(left: left, right: right)

proc count(node: Node): int =
  if node.isNil: 0 else: 1 + count(node.left) + count(node.right)

proc trees*() =
  let depth = number("depth", 16)
  let repeat = number("repeat", 1)
  var building, dropping = 0.0
  var nodes = 0
  # Nothing here is garbage in cycles: the collector would only look in vain.
  when defined(gcOrc): GC_disableOrc()
  for turn in 0 .. repeat:
    let start = nowNs()
    var root = build(depth)
    let built = nowNs()
    nodes = count(root)
    let dropBegin = nowNs()
    root = nil
    let finish = nowNs()
    if turn > 0:
      building += built - start
      dropping += finish - dropBegin
  let all = float(nodes * repeat)
  print("ns/node", (building + dropping) / all, uint64(nodes))
  print("ns/node build", building / all, uint64(nodes))
  print("ns/node drop", dropping / all, uint64(nodes))

type Counted {.acyclic.} = ref object ## the plain count, without a look at the roots of cycles
  left, right: int

proc countUpAndDown(objects: seq[Counted], rounds: int) {.noinline.} =
  for round in 0 ..< rounds:
    for i in 0 ..< objects.len:
      GC_ref(objects[i])
      {.emit: "__asm__ __volatile__(\"\" ::: \"memory\");".} # else the two are joined
      GC_unref(objects[i])

proc pairs*() =
  let objectCount = number("objects", 1000)
  let repeat = number("repeat", 1)
  let rounds = number("pairs", 1000000) div objectCount
  var objects = newSeq[Counted](objectCount)
  for i in 0 ..< objectCount: objects[i] = Counted()
  countUpAndDown(objects, rounds div 10 + 1)
  let start = nowNs()
  for turn in 0 ..< repeat: countUpAndDown(objects, rounds)
  let spent = nowNs() - start
  print("ns/pair", spent / float(rounds * objectCount * repeat), uint64(objectCount))

proc footprint*() =
  ## Each node holds the one before it, and the first one.
  let objects = number("objects", 1000000)
  when defined(gcOrc): GC_disableOrc()
  let before = residentBytes()
  let first = Node()
  var last = first
  for i in 1 ..< objects:
    last = Node(left: last, right: first)
  let held = residentBytes() - before
  var counted = 0
  var at {.cursor.} = last
  while at != nil:
    at = at.left
    inc counted
  print("bytes/object", held / float(objects), uint64(counted))
  quit(0) # the list is too long to be dropped

proc listDrop*() =
  let length = number("length", 1000000)
  let repeat = number("repeat", 1)
  var spent = 0.0
  when defined(gcOrc): GC_disableOrc()
  for turn in 0 .. repeat:
    var head: Node
    for i in 0 ..< length:
      head = Node(left: move head)
    let start = nowNs()
    head = nil
    if turn > 0: spent += nowNs() - start
  print("ns/node", spent / float(length * repeat), uint64(length))
