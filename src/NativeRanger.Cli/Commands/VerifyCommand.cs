using System.CommandLine;
using NativeRanger.Cli.Verification;

namespace NativeRanger.Cli.Commands;

/// <summary>Replays traces of original implementations.</summary>
internal static class VerifyCommand
{
    private const string Description = """
        Replays recorded traces of the original implementations, in float32 and float64, on each backend and instruction
        set, and compares native with managed bit for bit after every step.

        Prints a line for everything that fails or is skipped, and ends with "N passed, M failed, K skipped". The exit code
        is 1 if anything failed.

        Examples:
          nativeranger verify
          nativeranger verify --backend native --isa avx2 --verbose
          nativeranger verify --traces my-traces
        """;

    private static readonly Option<string?> Traces = new("--traces")
    {
        Description = "A folder of traces, *.json or *.json.gz [default: the built-in ones]",
        HelpName = "folder",
    };

    private static readonly Option<string> Backend = new("--backend")
    {
        Description = "native, managed or all; all also compares the two",
        DefaultValueFactory = _ => BackendChoice.All,
    };

    private static readonly Option<string[]> Isa = new("--isa")
    {
        Description = "The instruction sets of the native backend: all, or some by name",
        DefaultValueFactory = _ => [BackendChoice.All],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<bool> Verbose = new("--verbose")
    {
        Description = "Also print a line for everything that passes",
    };

    public static Command Create()
    {
        Backend.AcceptOnlyFromAmong(BackendChoice.All, BackendChoice.Native, BackendChoice.Managed);
        Isa.AcceptOnlyFromAmong([BackendChoice.All, .. BackendChoice.InstructionSets.Select(BackendChoice.Spelling)]);
        var command = new Command("verify", Description) { Traces, Backend, Isa, Verbose };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        var verbose = parsed.GetValue(Verbose);
        var files = parsed.GetValue(Traces) is { } folder ? TraceFile.InFolder(folder) : TraceFile.BuiltIn();
        var (backends, unavailable) = Backends(parsed.GetRequiredValue(Backend), parsed.GetRequiredValue(Isa));
        var verifier = new Verifier(backends);

        var tally = new Dictionary<Verdict, int>();
        foreach (var check in unavailable.Concat(files.SelectMany(verifier.Verify)))
        {
            tally[check.Verdict] = tally.GetValueOrDefault(check.Verdict) + 1;
            if (verbose || check.Verdict != Verdict.Passed)
            {
                output.WriteLine(check);
            }
        }

        int Count(Verdict verdict) => tally.GetValueOrDefault(verdict);
        output.WriteLine(
            $"{Count(Verdict.Passed)} passed, {Count(Verdict.Failed)} failed, {Count(Verdict.Skipped)} skipped"
        );
        return Count(Verdict.Failed) == 0 ? CommandLine.Success : CommandLine.Failure;
    }

    /// <summary>The backends to replay on, and a skipped check for every instruction set that cannot run here.</summary>
    private static (List<NamedBackend> Backends, List<Check> Unavailable) Backends(string backend, string[] isas)
    {
        var backends = new List<NamedBackend>();
        var unavailable = new List<Check>();
        if (backend is not BackendChoice.Native)
        {
            backends.Add(BackendChoice.ManagedBackend());
        }

        if (backend is BackendChoice.Managed)
        {
            return (backends, unavailable);
        }

        var available = NativeBackend.Available;
        var all = isas.Contains(BackendChoice.All, StringComparer.Ordinal);
        foreach (var isa in BackendChoice.InstructionSets)
        {
            var spelling = BackendChoice.Spelling(isa);
            if (!all && !isas.Contains(spelling, StringComparer.Ordinal))
            {
                continue;
            }

            if (available.Contains(isa))
            {
                backends.Add(BackendChoice.On(isa));
            }
            else
            {
                unavailable.Add(
                    new($"native {spelling}", "", Verdict.Skipped, "this machine or this library does not have it")
                );
            }
        }

        return (backends, unavailable);
    }
}
