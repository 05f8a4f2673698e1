namespace NativeRanger.Tests.Faults;

/// <summary>One thing that can go wrong.</summary>
/// <param name="Number">Its number, which tests carry in their names: <c>Fault_13_…</c>, or <c>Fault_13_14_…</c> for two.</param>
/// <param name="Text">What goes wrong.</param>
/// <param name="Expected">What happens then.</param>
/// <param name="Later">Which part it comes with, or null where a test must provoke it now.</param>
internal sealed record Fault(string Number, string Text, string Expected, string? Later = null);

/// <summary>A chapter of the list.</summary>
internal sealed record FaultChapter(string Title, params Fault[] Faults);

/// <summary>Everything that is known to go wrong, and what must happen then.</summary>
internal static class FaultList
{
    private const string Half = "with half precision";

    public static readonly IReadOnlyList<FaultChapter> Chapters =
    [
        new(
            "Arguments and lengths",
            new("1", "a gradient is shorter or longer than its parameter", "an exception with both lengths"),
            new("2", "an array is null", "an exception before any native call; a null gradient skips its parameter"),
            new("3", "an array is empty", "the step counts and nothing is written"),
            new("4", "there are more than 2³¹ elements", "all of them are stepped"),
            new("5", "a size or a product of extents overflows", "an overflow is reported, nothing is allocated"),
            new("6", "an option is negative, infinite or NaN", "refused when it is set, by the native library too"),
            new("7", "β is 1", "refused"),
            new("8", "β₂ is so small that ρ∞ ≤ 4", "never rectified, no root of a negative number"),
            new("9", "ε is 0, or is once rounded to the parameters' type", "refused"),
            new("10", "k is 0, or α outside [0, 1]", "refused"),
            new("11", "a struct has another size, or an unknown flag", "NR_E_ABI, nothing is written"),
            new("12", "a shape does not multiply to the length", "an exception with both")
        ),
        new(
            "Numbers",
            new(
                "13",
                "a gradient holds a NaN",
                "Throw and SkipStep change nothing; SkipStep counts; Propagate goes on"
            ),
            new("14", "a gradient holds an infinity", "likewise"),
            new("15", "the norm is clipped and a gradient is infinite", "Throw and SkipStep leave no NaN behind"),
            new("16", "finite gradients, whose squares overflow", "the norm is finite and right"),
            new("17", "gradients and moments are subnormal", "the same bits everywhere; the control word is restored"),
            new("18", "g² underflows in half precision", "float32 master weights and moments", Half),
            new("19", "the step count is beyond 2³¹", "bias corrections are exactly 1"),
            new("20", "the step count is beyond 2²⁴", "it still counts one by one"),
            new("21", "a loss scale overflows", "the step is skipped, the scale halved", Half),
            new("22", "another number of threads", "the same bits"),
            new("23", "another instruction set", "the same bits"),
            new("24", "the library is loaded", "subnormal numbers in managed code are what they were"),
            new("25", "centralised rows of length 1", "they are left alone, and train"),
            new("26", "centralisation in a convex fit", "the minimizer does not centralise unless asked"),
            new("27", "Lookahead around momentum diverges", "pulling the momentum back does not"),
            new("28", "decoupled and L2 decay are mixed up", "each has golden traces of its own"),
            new("28b", "decay leaks into the moments", "moments are the same bits with and without decoupled decay"),
            new("29", "slow weights start at the first sync", "they start at θ₀, and the first sync moves"),
            new("30", "a parameter has no gradient for some steps", "nothing of it changes, its own steps do not count")
        ),
        new(
            "Memory and the garbage collector",
            new("31", "arrays move during steps", "the same bits"),
            new("32", "pins are left behind", "none is"),
            new("33", "a pointer is kept after the call", "none is: the memory can be taken away"),
            new("34", "a finaliser runs while a step is in flight", "the state lives as long as the step"),
            new("35", "a stepper is disposed twice", "nothing happens"),
            new("36", "a stepper is used after it was disposed", "an exception, no native call"),
            new("37", "gradient and parameter are one array", "refused"),
            new("38", "spans overlap in part", "refused; neighbours are accepted"),
            new("39", "an array is bound twice", "refused"),
            new("40", "a span begins at an odd element", "the same bits"),
            new("41", "every length around the width of the vectors", "the same bits, no byte beyond the array"),
            new(
                "42",
                "the n-th allocation fails, for every n",
                "OutOfMemoryException, nothing changed, it can be repeated"
            ),
            new("43", "100,000 groups", "they are stepped"),
            new("44", "a managed array of more than 2 GB", "all of it is stepped"),
            new("45", "a sparse gradient", "refused by name")
        ),
        new(
            "Concurrency",
            new("46", "two threads step one stepper", "the second is refused, the first completes"),
            new("47", "many steppers on many threads", "each as if alone"),
            new(
                "48",
                "more threads than processors",
                "affinity and the option are limits; a busy pool is not waited for"
            ),
            new("49", "the process forks", "parent and child go on"),
            new("50", "a callback throws", "the state is consistent, the exception comes out"),
            new("51", "a callback uses the stepper that calls it", "refused"),
            new("52", "a run is cancelled", "it stops with the best point"),
            new("53", "the assembly is unloaded", "the library stays as long as a stepper lives")
        ),
        new(
            "Loading",
            new("54", "the native library is missing", "library, platform, every path, the reason, the managed path"),
            new("55", "a library that it needs is missing", "the message names that one"),
            new("56", "it is built for another processor, or is no library", "the message says so"),
            new("57", "it has another contract", "refused with both versions before any other call"),
            new("58", "it lacks a function", "refused when loaded, with the names"),
            new("59", "the processor lacks an instruction set", "another is chosen, nothing illegal is executed"),
            new("60", "a library is planted where programs are started", "it is not loaded; an override is reported"),
            new("61", "no device, or an old driver", "a reason, and the CPU works"),
            new(
                "62",
                "the device is lost in mid-step",
                "later calls fail at once, and the message names the last step that is held"
            ),
            new("63", "an asynchronous error", "the step after which it was noticed is named"),
            new("64", "two copies of assembly and library", "both work")
        ),
        new(
            "Checkpoints",
            new("65", "the process is killed at any call of a save", "the old file or the new one, whole"),
            new(
                "66",
                "the disk is full or fails at any call of a save",
                "IOException, the old file, nothing beside it"
            ),
            new("67", "a file is cut off at any length", "refused, nothing changes"),
            new("68", "any bit is flipped", "refused, nothing changes"),
            new("69", "a header claims to be huge", "refused before anything is allocated"),
            new("70", "offsets overlap, leave holes, lie outside or overflow", "refused"),
            new(
                "71",
                "duplicate keys, bad UTF-8, nesting, a million tensors",
                "refused, or read in bounded time and memory"
            ),
            new("72", "a file that would run code", "there is nothing in it that could"),
            new(
                "73",
                "a checkpoint of another optimizer, shape or order",
                "a list of differences before anything changes"
            ),
            new("74", "a checkpoint of a newer or an older version", "newer: refused with both; older: read for ever"),
            new("75", "a run is interrupted at any step", "the rest is the same bits"),
            new("76", "the target is a directory, a link, a pipe or read-only", "IOException, and it stays as it is")
        ),
        new(
            "Several machines",
            new("77", "a rank dies, or ranks disagree", "all fail with the same message"),
            new("78", "a run is resumed with another number of ranks", "the same bits")
        ),
    ];

    public static IEnumerable<Fault> All => Chapters.SelectMany(chapter => chapter.Faults);
}
