<?php
/* PHP as a peer: B2 trees, B4 cycles, B5 a collection that frees nothing, B6 bytes, B7 a long list,
 * X3 pauses.
 *
 * The collector is disabled, so that it runs only where it is measured.  It looks only at objects
 * whose count was dropped and that still live (the root buffer), and marks what they reach; so the
 * one reference from outside is copied and unset, and gc_collect_cycles goes over the whole graph.
 */

declare(strict_types=1);

require __DIR__ . '/protocol.php';

final class Node
{
    public $left = null;
    public $right = null;
}

/* ---- B2 ---- */

function build(int $depth): Node
{
    $left = $right = null;
    if ($depth > 0) {
        $left = build($depth - 1);
        $right = build($depth - 1);
    }
    $node = new Node();
    $node->left = $left;
    $node->right = $right;
    return $node;
}

function count_nodes(?Node $node): int
{
    return $node === null ? 0 : 1 + count_nodes($node->left) + count_nodes($node->right);
}

function trees(): void
{
    $depth = number('depth', 16);
    $repeat = number('repeat', 1);
    $building = $dropping = 0.0;
    $nodes = 0;
    for ($turn = 0; $turn <= $repeat; $turn++) {
        $start = now_ns();
        $root = build($depth);
        $built = now_ns();
        $nodes = count_nodes($root);
        gc_collect_cycles(); // what was buffered meanwhile is looked at outside of the times
        $drop = now_ns();
        $root = null;
        $end = now_ns();
        if ($turn > 0) {
            $building += $built - $start;
            $dropping += $end - $drop;
        }
    }
    $all = (float)($nodes * $repeat);
    result('ns/node', ($building + $dropping) / $all, $nodes);
    result('ns/node build', $building / $all, $nodes);
    result('ns/node drop', $dropping / $all, $nodes);
}

/* ---- B4 ---- */

function garbage_ring(int $length): void
{
    $first = $last = new Node();
    for ($i = 1; $i < $length; $i++) {
        $last->left = new Node();
        $last = $last->left;
    }
    $last->left = $first;
}

function garbage_list(int $length): void
{
    $last = new Node();
    for ($i = 1; $i < $length; $i++) {
        $node = new Node();
        $node->right = $last;
        $last->left = $node;
        $last = $node;
    }
}

function make_garbage(string $shape, int $count): int
{
    if ($shape === 'list') {
        garbage_list($count);
        return $count;
    }
    $length = ['pairs' => 2, 'rings10' => 10, 'rings1000' => 1000][$shape];
    for ($i = 0; $i < $count; $i++) {
        garbage_ring($length);
    }
    return $count * $length;
}

function cycles(): void
{
    $repeat = number('repeat', 2);
    $spent = 0.0;
    $freed = 0;
    $nodes = 0;
    for ($turn = 0; $turn <= $repeat; $turn++) {
        $nodes = make_garbage(text('shape', 'pairs'), number('count', 1000000));
        $begin = now_ns();
        $freed = gc_collect_cycles();
        $taken = now_ns() - $begin;
        must($freed === $nodes, 'each object is freed');
        if ($turn === 0) {
            result('ns/object freed, the first time', $taken / $nodes, $freed);
        } else {
            $spent += $taken;
        }
    }
    result('ns/object freed', $spent / ($repeat * $nodes), $freed);
}

/* ---- B5 ---- */

function ring(int $count, bool $shuffled): Node
{
    $state = SEED;
    $nodes = new SplFixedArray($count);
    for ($i = 0; $i < $count; $i++) {
        $nodes[$i] = new Node();
    }
    if ($shuffled) {
        for ($i = $count - 1; $i > 0; $i--) {
            $other = below(random($state), $i + 1);
            $node = $nodes[$i];
            $nodes[$i] = $nodes[$other];
            $nodes[$other] = $node;
        }
    }
    for ($i = 0; $i < $count; $i++) {
        $nodes[$i]->right = $nodes[below(random($state), $count)];
    }
    for ($i = 0; $i < $count; $i++) {
        $nodes[$i]->left = $nodes[($i + 1) % $count];
    }
    return $nodes[0];
}

/** As graph_ring_check in common/graph.h. */
function ring_check(Node $first): int
{
    $length = 1;
    for ($at = $first->left; $at !== $first; $at = $at->left) {
        $length++;
    }
    $slow = $first;
    $fast = $first->right;
    for ($power = $loop = 1; $slow !== $fast; $loop++, $fast = $fast->right) {
        if ($power === $loop) {
            $slow = $fast;
            $power *= 2;
            $loop = 0;
        }
    }
    $slow = $fast = $first;
    for ($i = 0; $i < $loop; $i++) {
        $fast = $fast->right;
    }
    for ($tail = 0; $slow !== $fast; $tail++) {
        $slow = $slow->right;
        $fast = $fast->right;
    }
    return mix(mix(mix(0, $length), $loop), $tail);
}

function idle(): void
{
    $shape = text('shape', 'tree');
    $repeat = number('repeat', 2);
    $levels = number('levels', 22);
    $objects = $shape === 'tree' ? (1 << $levels) - 1 : number('objects', 4000000);
    $root = $shape === 'tree' ? build($levels - 1) : ring($objects, $shape === 'shuffled');
    $spent = 0.0;
    for ($turn = 0; $turn <= $repeat; $turn++) {
        $held = $root;
        unset($held);
        must(gc_status()['roots'] >= 1, 'the collector has something to look at');
        $begin = now_ns();
        $freed = gc_collect_cycles();
        if ($turn > 0) {
            $spent += now_ns() - $begin;
        }
        must($freed === 0, 'nothing is freed');
    }
    $check = $shape === 'tree' ? count_nodes($root) : ring_check($root);
    result('ns/live object', $spent / ($repeat * $objects), $check);
}

/* ---- B6 and B7 ---- */

/** Each node holds the one before it, and the first one. */
function footprint(): void
{
    $objects = number('objects', 1000000);
    $before = resident_bytes();
    $first = $last = new Node();
    for ($i = 1; $i < $objects; $i++) {
        $node = new Node();
        $node->left = $last;
        $node->right = $first;
        $last = $node;
    }
    $held = resident_bytes() - $before;
    for ($counted = 0; $last !== null; $counted++) { // one by one: to drop it whole would crash
        $before_it = $last->left;
        $last->left = null;
        $last = $before_it;
    }
    result('bytes/object', $held / $objects, $counted);
}

function long_list(): void
{
    $length = number('length', 1000000);
    $repeat = number('repeat', 1);
    $spent = 0.0;
    for ($turn = 0; $turn <= $repeat; $turn++) {
        $head = null;
        for ($i = 0; $i < $length; $i++) {
            $node = new Node();
            $node->left = $head;
            $head = $node;
        }
        unset($node);
        gc_collect_cycles();
        $start = now_ns();
        $head = null;
        if ($turn > 0) {
            $spent += now_ns() - $start;
        }
    }
    result('ns/node', $spent / ($length * $repeat), $length);
}

/* ---- X3: as common/pause.h has it ---- */

const SESSION_NODES = 100;
const CHANGED = 10;

function new_session(int &$state): Node
{
    $nodes = [];
    for ($i = 0; $i < SESSION_NODES; $i++) {
        $nodes[] = new Node();
    }
    for ($i = 0; $i < SESSION_NODES; $i++) {
        $nodes[$i]->left = $nodes[($i + 1) % SESSION_NODES];
        $nodes[$i]->right = $nodes[below(random($state), SESSION_NODES)];
    }
    return $nodes[0];
}

function replace_one(SplFixedArray $sessions, int &$state): void
{
    $sessions[below(random($state), count($sessions))] = new_session($state);
}

function longest_collection(SplFixedArray $sessions, int &$state): float
{
    $longest = 0.0;
    for ($i = 0; $i < 3; $i++) {
        for ($change = 0; $change < CHANGED; $change++) {
            replace_one($sessions, $state);
            $touched = $sessions[below(random($state), count($sessions))];
            unset($touched);
        }
        $start = now_ns();
        $freed = gc_collect_cycles();
        $longest = max($longest, now_ns() - $start);
        must($freed === CHANGED * SESSION_NODES, 'the ended sessions are freed');
    }
    return $longest;
}

function longest_step(SplFixedArray $sessions, int &$state): float
{
    $longest = 0.0;
    gc_enable();
    $last = now_ns();
    for ($i = 0; $i < 2 * count($sessions); $i++) {
        replace_one($sessions, $state);
        $now = now_ns();
        $longest = max($longest, $now - $last);
        $last = $now;
    }
    return $longest;
}

/** It has one kind of collection: of what may be garbage, and what that reaches.  Left to itself it
 * takes minutes with ten million objects. */
function pauses(): void
{
    $objects = number('objects', 10000);
    $state = SEED;
    $sessions = new SplFixedArray(intdiv($objects, SESSION_NODES));
    for ($i = 0; $i < count($sessions); $i++) {
        $sessions[$i] = new_session($state);
    }
    gc_collect_cycles();
    result('us local', longest_collection($sessions, $state) / 1e3, $objects);
    if ($objects <= 1000000) {
        result('us any step', longest_step($sessions, $state) / 1e3, $objects);
    }
}

gc_disable();
$benches = ['B2' => 'trees', 'B4' => 'cycles', 'B5' => 'idle', 'B6' => 'footprint',
    'B7' => 'long_list', 'X3' => 'pauses'];
if (!isset($argv[1], $benches[$argv[1]])) {
    fwrite(STDERR, "usage: main.php BENCH [key=value]...\n");
    exit(2);
}
$benches[$argv[1]]();
