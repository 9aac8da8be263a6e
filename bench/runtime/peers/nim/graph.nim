## The node, and B4 and B5: cycles of garbage, and a collection that frees nothing, as
## common/graph.h has them for C.

import protocol

type Node* = ref object
  left*, right*: Node

when defined(gcOrc):
  const slackBytes = 4096 # what the collector itself takes or gives back

  proc collect*() =
    GC_fullCollect()
    GC_disableOrc() # a collection sets the threshold again

  proc garbageRing(length: int): Node =
    result = Node()
    var last {.cursor.} = result
    for i in 1 ..< length:
      last.left = Node()
      last = last.left
    last.left = result

  proc doublyLinked(count: int): Node =
    result = Node()
    var last {.cursor.} = result
    for i in 1 ..< count:
      last.left = Node(right: last)
      last = last.left

  proc makeGarbage(shape: string, count: int): int =
    ## The cycles are held, and then not any more: the collector looks only at objects whose count
    ## was dropped, and a reference that is moved into a cycle drops none.
    let length = case shape
      of "pairs": 2
      of "rings10": 10
      of "rings1000": 1000
      else: count
    var held = newSeq[Node](if shape == "list": 1 else: count)
    for place in held.mitems:
      place = if shape == "list": doublyLinked(count) else: garbageRing(length)
    held.len * length

  proc cycles*() =
    ## B4.  The collector does not say how many objects it freed; that memory is as before does.
    let repeat = number("repeat", 2)
    var spent = 0.0
    var nodes = 0
    GC_disableOrc()
    for turn in 0 .. repeat:
      let before = getOccupiedMem()
      nodes = makeGarbage(text("shape", "pairs"), number("count", 1000000))
      require(getOccupiedMem() - before >= nodes * 16, "the garbage is there")
      let begin = nowNs()
      collect()
      let taken = nowNs() - begin
      require(getOccupiedMem() <= before + slackBytes, "each object is freed")
      if turn == 0: print("ns/object freed, the first time", taken / float(nodes), uint64(nodes))
      else: spent += taken
    print("ns/object freed", spent / float(repeat * nodes), uint64(nodes))

  proc tree(levels: int): Node =
    var left, right: Node
    if levels > 1:
      left = tree(levels - 1)
      right = tree(levels - 1)
    Node(left: left, right: right)

  proc count(node: Node): int =
    if node.isNil: 0 else: 1 + count(node.left) + count(node.right)

  proc ring(count: int, shuffled: bool): Node =
    var state = seed
    var nodes = newSeq[Node](count)
    for i in 0 ..< count: nodes[i] = Node()
    if shuffled:
      for i in countdown(count - 1, 1):
        swap(nodes[i], nodes[int(random(state) mod uint64(i + 1))])
    for i in 0 ..< count:
      nodes[i].right = nodes[int(random(state) mod uint64(count))]
    for i in 0 ..< count - 1: nodes[i].left = nodes[i + 1]
    nodes[count - 1].left = nodes[0]
    nodes[0]

  proc ringCheck(first: Node): uint64 =
    var length = 1
    var at {.cursor.} = first.left
    while at != first:
      at = at.left
      inc length
    var slow {.cursor.} = first
    var fast {.cursor.} = first.right
    var power, loop = 1
    while slow != fast:
      if power == loop:
        slow = fast
        power *= 2
        loop = 0
      inc loop
      fast = fast.right
    slow = first
    fast = first
    for i in 0 ..< loop: fast = fast.right
    var tail = 0
    while slow != fast:
      slow = slow.right
      fast = fast.right
      inc tail
    mix(mix(mix(0, uint64(length)), uint64(loop)), uint64(tail))

  proc touch(node: Node) {.noinline.} =
    ## Takes and gives up a reference: the collector looks at objects whose count was dropped.
    GC_ref(node)
    GC_unref(node)

  proc idle*() =
    ## B5.
    let shape = text("shape", "tree")
    let repeat = number("repeat", 2)
    GC_disableOrc()
    let objects = if shape == "tree": (1 shl number("levels", 22)) - 1
                  else: number("objects", 4000000)
    let root = if shape == "tree": tree(number("levels", 22)) else: ring(objects, shape == "shuffled")
    collect() # what building left behind
    var spent = 0.0
    let before = getOccupiedMem()
    for turn in 0 .. repeat:
      touch(root)
      let begin = nowNs()
      collect()
      if turn > 0: spent += nowNs() - begin
    require(getOccupiedMem() >= before - slackBytes, "nothing is freed")
    let check = if shape == "tree": uint64(count(root)) else: ringCheck(root)
    print("ns/live object", spent / float(repeat * objects), check)
