## X3, the longest pause as the heap grows: as common/pause.h has it for C.  The collector has one kind
## of collection: it looks at what may be garbage, and at what that reaches.

import protocol, graph

when defined(gcOrc):
  const
    sessionNodes = 100
    changed = 10

  type Pause = object
    sessions: seq[Node]
    state: uint64

  proc newSession(state: var uint64): Node =
    var nodes: array[sessionNodes, Node]
    for node in nodes.mitems: node = Node()
    for node in nodes: node.right = nodes[int(random(state) mod sessionNodes)]
    nodes[sessionNodes - 1].left = nodes[0]
    for i in 0 ..< sessionNodes - 1: nodes[i].left = nodes[i + 1]
    nodes[0]

  proc replaceOne(pause: var Pause) =
    let which = int(random(pause.state) mod uint64(pause.sessions.len))
    pause.sessions[which] = newSession(pause.state)

  proc touchOne(pause: var Pause) =
    let session = pause.sessions[int(random(pause.state) mod uint64(pause.sessions.len))]
    GC_ref(session)
    GC_unref(session)

  proc longestCollection(pause: var Pause): float =
    for i in 0 ..< 3:
      for change in 0 ..< changed:
        pause.replaceOne()
        pause.touchOne()
      let before = getOccupiedMem()
      let start = nowNs()
      collect()
      result = max(result, nowNs() - start)
      require(before - getOccupiedMem() >= changed * sessionNodes * sizeof(Node()[]),
              "the ended sessions are freed")

  proc longestStep(pause: var Pause): float =
    GC_enableOrc()
    var last = nowNs()
    for i in 0 ..< 2 * pause.sessions.len:
      pause.replaceOne()
      let now = nowNs()
      result = max(result, now - last)
      last = now

  proc pauses*() =
    let objects = number("objects", 10000)
    var pause = Pause(state: seed)
    GC_disableOrc()
    for i in 0 ..< objects div sessionNodes: pause.sessions.add(newSession(pause.state))
    collect()
    print("us local", pause.longestCollection() / 1000, uint64(objects))
    print("us any step", pause.longestStep() / 1000, uint64(objects))
