using System.CommandLine;
using NativeRanger.Cli.Verification;

namespace NativeRanger.Cli.Commands;

/// <summary>Replays traces of original implementations.</summary>
internal sealed class VerifyCommand : Command
{
    private const string Summary = """
        Replays recorded traces of the original implementations, in float32 and float64, on each backend and instruction
        set, and compares native with managed bit for bit after every step.

        Prints a line for everything that fails or is skipped, and ends with "N passed, M failed, K skipped". The exit code
        is 1 if anything failed.

        Examples:
          nativeranger verify
          nativeranger verify --backend native --isa avx2 --verbose
          nativeranger verify --backend cuda
          nativeranger verify --traces my-traces
        """;

    private readonly Option<string?> tracesOption = new("--traces")
    {
        Description = "A folder of traces, *.json or *.json.gz [default: the built-in ones]",
        HelpName = "folder",
    };

    private readonly Option<string> backendOption = new("--backend")
    {
        Description =
            "native, managed, cuda or all; all compares native with managed bit for bit, and cuda does so on a GPU",
        DefaultValueFactory = _ => BackendChoice.All,
    };

    private readonly Option<string[]> isaOption = new("--isa")
    {
        Description = "The instruction sets of the native backend: all, or some by name",
        DefaultValueFactory = _ => [BackendChoice.All],
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<bool> verboseOption = new("--verbose")
    {
        Description = "Also print a line for everything that passes",
    };

    public VerifyCommand()
        : base("verify", Summary)
    {
        backendOption.AcceptOnlyFromAmong(
            BackendChoice.All,
            BackendChoice.Native,
            BackendChoice.Managed,
            BackendChoice.Cuda
        );
        isaOption.AcceptOnlyFromAmong([
            BackendChoice.All,
            .. BackendChoice.InstructionSets.Select(BackendChoice.Spelling),
        ]);
        Add(tracesOption);
        Add(backendOption);
        Add(isaOption);
        Add(verboseOption);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        var verbose = parsed.GetValue(verboseOption);
        var files = parsed.GetValue(tracesOption) is { } folder ? TraceFile.InFolder(folder) : TraceFile.BuiltIn();
        var (backends, unavailable) = Backends(
            parsed.GetRequiredValue(backendOption),
            parsed.GetRequiredValue(isaOption)
        );
        // Bits are compared, which a native provider of MathNet does not promise.
        MathNetProvider.UseManaged();
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

        if (backend is BackendChoice.Cuda)
        {
            backends.Add(BackendChoice.CudaBackend());
        }

        if (backend is BackendChoice.Managed or BackendChoice.Cuda)
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
