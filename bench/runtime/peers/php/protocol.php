<?php
/* What bench.h is for C: arguments, clock, random numbers, results. */

declare(strict_types=1);

function text(string $key, string $otherwise): string
{
    global $argv;
    foreach (array_slice($argv, 2) as $argument) {
        if (str_starts_with($argument, "$key=")) {
            return substr($argument, strlen($key) + 1);
        }
    }
    return $otherwise;
}

function number(string $key, int $otherwise): int
{
    return (int)text($key, (string)$otherwise);
}

function must(bool $holds, string $what): void
{
    global $argv;
    if (!$holds) {
        fwrite(STDERR, "php {$argv[1]}: does not hold: $what\n");
        exit(1);
    }
}

/** Processor time of this process, to the microsecond. */
function now_ns(): float
{
    $usage = getrusage();
    return ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']) * 1e9
        + ($usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec']) * 1e3;
}

function resident_bytes(): int
{
    return (int)explode(' ', file_get_contents('/proc/self/statm'))[1] * 4096;
}

/** The product modulo 2^64 of integers that PHP would make floats of; $b in words of 16 bits. */
function multiply(int $a, int $b0, int $b1, int $b2, int $b3): int
{
    $low = $a & 0xffffffff;
    $high = ($a >> 32) & 0xffffffff;
    $p0 = $low * $b0;
    $p1 = $low * $b1;
    $sum = ($p0 & 0xffffffff) + (($p1 << 16) & 0xffffffff);
    $upper = ($p0 >> 32) + ($p1 >> 16) + $low * $b2 + ((($low * $b3) & 0xffff) << 16)
        + $high * $b0 + ((($high * $b1) & 0xffff) << 16) + ($sum >> 32);
    return ($upper << 32) | ($sum & 0xffffffff);
}

const SEED = 88172645463325252;

/** Xorshift64*: times 0x2545f4914f6cdd1d. */
function random(int &$state): int
{
    $x = $state;
    $x ^= ($x >> 12) & 0xfffffffffffff;
    $x ^= $x << 25;
    $x ^= ($x >> 27) & 0x1fffffffff;
    $state = $x;
    return multiply($x, 0xdd1d, 0x4f6c, 0xf491, 0x2545);
}

/** The remainder of a number that is meant without a sign. */
function below(int $random, int $bound): int
{
    return (((($random >> 1) & PHP_INT_MAX) % $bound) * 2 + ($random & 1)) % $bound;
}

/** Times 0x9e3779b97f4a7c15. */
function mix(int $sum, int $value): int
{
    return multiply($sum ^ $value, 0x7c15, 0x7f4a, 0x79b9, 0x9e37);
}

function result(string $figure, float $value, int $check): void
{
    global $argv;
    printf(
        "{\"bench\":\"%s\",\"case\":\"%s\",\"peer\":\"php\",\"version\":\"%s\",\"figure\":\"%s\","
        . "\"value\":%.4f,\"check\":\"%016x\"}\n",
        $argv[1],
        $argv[2] ?? '',
        PHP_VERSION,
        $figure,
        $value,
        $check
    );
}
