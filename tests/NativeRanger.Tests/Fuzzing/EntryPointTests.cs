using System.Text.RegularExpressions;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Fuzzing;

public sealed class EntryPointTests
{
    /// <summary>No function of a contract is forgotten by the fuzzers of native/tests/fuzz.</summary>
    [Theory]
    [InlineData("nativeranger")]
    [InlineData("nativeranger_cuda")]
    [InlineData("nativeranger_mpi")]
    public void Every_function_of_the_contract_is_fuzzed(string header)
    {
        var declared = Functions(Path.Combine("native", "include", $"{header}.h")).ToArray();
        Assert.Contains(declared, name => name.EndsWith("_abi_version", StringComparison.Ordinal));

        // The device of the CUDA fuzzer is opened by the fixture that it shares with the tests.
        var called = Directory
            .GetFiles(Path.Combine(Headers.Root, "native", "tests", "fuzz"), "*_*.*")
            .Append(Path.Combine(Headers.Root, "native", "tests", "cuda", "device_problem.cpp"))
            .SelectMany(Functions);
        Assert.Empty(declared.Except(called, StringComparer.Ordinal));
    }

    private static IEnumerable<string> Functions(string path) =>
        Regex
            .Matches(File.ReadAllText(Path.Combine(Headers.Root, path)), @"\bnr_\w+\(", RegexOptions.NonBacktracking)
            .Select(match => match.Value.TrimEnd('('));
}
