using System.Numerics;

namespace NativeRanger.Cli.Verification;

internal enum Verdict
{
    Passed,
    Failed,
    Skipped,
}

/// <summary>What came of one comparison.</summary>
/// <param name="Trace">The name of the trace.</param>
/// <param name="Subject">What was compared: "float32 native avx2", or empty where it concerns the whole trace.</param>
/// <param name="Verdict">The verdict.</param>
/// <param name="Reason">Why it failed or was skipped; null where it passed.</param>
internal sealed record Check(string Trace, string Subject, Verdict Verdict, string? Reason)
{
    public override string ToString() =>
        string.Join(
            "  ",
            new[] { Verdict.ToString().ToLowerInvariant().PadRight(7), Trace, Subject }.Where(s => s.Length > 0)
        ) + (Reason is null ? "" : $": {Reason}");
}

/// <summary>
/// Replays traces on several backends at once, in float32 and float64: each backend against what the original did, and,
/// where the managed one is among them, the others against it bit for bit after every step.
/// </summary>
internal sealed class Verifier(IReadOnlyList<NamedBackend> backends)
{
    /// <summary>The comparisons of one trace. Nothing that a file holds makes this throw.</summary>
    public IReadOnlyList<Check> Verify(TraceFile file)
    {
        Trace trace;
        try
        {
            using var stream = file.Open();
            trace = Trace.Read(stream, file.Name);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return [new(file.Name, "", Verdict.Failed, exception.Message)];
        }

        return Verify(trace);
    }

    /// <inheritdoc cref="Verify(TraceFile)"/>
    public IReadOnlyList<Check> Verify(Trace trace)
    {
        if (trace.IsUpstreamQuirk)
        {
            var note = trace.Notes.Count > 0 ? $" ({trace.Notes[0]})" : "";
            return [new(trace.Name, "", Verdict.Skipped, $"upstream-quirk: a bug of the original{note}")];
        }

        try
        {
            return
            [
                .. Verify<float>(trace, "float32", trace.Float32),
                .. Verify<double>(trace, "float64", trace.Float64),
            ];
        }
        catch (UnsupportedTraceException exception)
        {
            return [new(trace.Name, "", Verdict.Skipped, $"not supported: {exception.Message}")];
        }
        catch (TraceFormatException exception)
        {
            return [new(trace.Name, "", Verdict.Failed, exception.Message)];
        }
    }

    private List<Check> Verify<T>(Trace trace, string type, TraceExpectation? expectation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (expectation is null)
        {
            return [new(trace.Name, type, Verdict.Skipped, "the trace has no such section")];
        }

        var replays = new List<Replay<T>>();
        try
        {
            foreach (var backend in backends)
            {
                replays.Add(new(trace, backend, expectation));
            }

            var managed = replays.Find(replay => replay.Backend.IsManaged);
            foreach (var replay in replays)
            {
                replay.Compare(managed);
            }

            for (var step = 0; step < trace.Steps; step++)
            {
                // All advance before any is compared: the managed one is what the others are compared with.
                replays.ForEach(replay => replay.Advance());
                replays.ForEach(replay => replay.Compare(managed));
            }

            return [.. replays.SelectMany(replay => replay.Checks(type, managed))];
        }
        finally
        {
            replays.ForEach(replay => replay.Dispose());
        }
    }

    /// <summary>One backend's replay, and the first difference from the original and from the managed replay.</summary>
    private sealed class Replay<T> : IDisposable
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        private readonly Trace trace;
        private readonly TraceExpectation expectation;
        private TraceRun<T>? run;
        private string? fromOriginal;
        private string? fromManaged;

        public Replay(Trace trace, NamedBackend backend, TraceExpectation expectation)
        {
            this.trace = trace;
            this.expectation = expectation;
            Backend = backend;
            Attempt(() => run = new(trace, backend.Backend));
        }

        public NamedBackend Backend { get; }

        public void Advance() => Attempt(() => run?.Advance());

        public void Compare(Replay<T>? managed)
        {
            if (run is null)
            {
                return;
            }

            fromOriginal ??= Comparison.Parameters(run, expectation);
            if (run.Step == trace.Steps)
            {
                fromOriginal ??= Comparison.FinalState(
                    run,
                    expectation,
                    typeof(T) == typeof(float) ? trace.Float64 : null
                );
            }

            if (managed is not null && managed != this)
            {
                fromManaged ??= managed.run is null
                    ? "there is no managed replay to compare with"
                    : Comparison.Bits(run, managed.run);
            }
        }

        public IEnumerable<Check> Checks(string type, Replay<T>? managed)
        {
            yield return Check($"{type} {Backend}", fromOriginal);
            if (managed is not null && managed != this)
            {
                yield return Check($"{type} {Backend} = managed", fromManaged);
            }
        }

        public void Dispose() => run?.Dispose();

        private Check Check(string subject, string? difference) =>
            new(trace.Name, subject, difference is null ? Verdict.Passed : Verdict.Failed, difference);

        /// <summary>A backend that throws has failed, but the others go on.</summary>
        private void Attempt(Action action)
        {
            try
            {
                action();
            }
            catch (Exception exception)
                when (exception is not (UnsupportedTraceException or TraceFormatException or OutOfMemoryException))
            {
                fromOriginal ??= $"{(run is null ? "binding" : $"step {run.Step}")}: {exception.Message}";
                fromManaged ??= fromOriginal;
                run?.Dispose();
                run = null;
            }
        }
    }
}
