using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeRanger.Checkpoints;

namespace NativeRanger.Exchange;

/// <summary>
/// Reads a file of Python's names into a stepper: everything into memory of its own first, and into the stepper and the
/// parameters when nothing can fail any more.
/// </summary>
internal sealed class TorchReader<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Stream stream;
    private readonly TorchPlan<T> plan;
    private readonly ResumeOptions options;
    private readonly Safetensors file;
    private readonly Dictionary<string, SafetensorsTensor> unclaimed;
    private readonly Dictionary<string, string> unread;
    private readonly List<string> differences = [];
    private readonly Dictionary<string, Staged> staged = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> steps = new(StringComparer.Ordinal);
    private long? stepCount;
    private long lookaheadStep;

    private TorchReader(Stream stream, TorchPlan<T> plan, ResumeOptions options, Safetensors file)
    {
        this.stream = stream;
        this.plan = plan;
        this.options = options;
        this.file = file;
        unclaimed = file.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        unread = new(file.Metadata, StringComparer.Ordinal);
    }

    private sealed record Staged(TorchTensor<T> Target, NativeStateArray<T> Values);

    public static void Load(Stepper<T> stepper, Stream stream, bool wholeFile, ResumeOptions options)
    {
        var expected = TorchPlan<T>.Of(stepper);
        var read = Safetensors.Parse(Safetensors.ReadHeaderBytes(stream));
        read.RequireData(stream);
        if (wholeFile)
        {
            read.RequireEnd(stream);
        }

        using var reader = new TorchReader<T>(stream, expected, options, read);
        reader.Match();
        reader.ReadTensors();
        reader.Commit();
    }

    public void Dispose()
    {
        foreach (var (_, values) in staged.Values)
        {
            values.Dispose();
        }
    }

    private void Match()
    {
        _ = Take(TorchNames.Format);
        var name = Take(TorchNames.Class);
        if (!string.Equals(name, plan.Class.Name, StringComparison.Ordinal))
        {
            throw new CheckpointMismatchException([
                $"optimizer: {name ?? "none"} in the file, {plan.Class.Name} given",
            ]);
        }

        stepCount = Take(TorchNames.Steps) is { } count ? Count(TorchNames.Steps, count) : null;
        var includesParameters = plan.Parameters.Any(p => unclaimed.ContainsKey(p.Values.Name));
        var claimed = new List<TorchTensor<T>>();
        foreach (var parameter in plan.Parameters)
        {
            MatchOptions(parameter);
            if (includesParameters)
            {
                claimed.Add(parameter.Values);
            }

            if (parameter.State.Any(tensor => unclaimed.ContainsKey(tensor.Name)) || HasSteps(parameter))
            {
                claimed.AddRange(parameter.State);
            }

            claimed.AddRange(parameter.Lookahead);
        }

        var sound = claimed.FindAll(Claim);
        MatchSteps();
        MatchLookahead();
        differences.AddRange(
            unclaimed.Keys.Select(tensor => $"tensor '{tensor}': in the file, but not of this stepper")
        );
        differences.AddRange(
            unread
                .Keys.Where(key =>
                    key.StartsWith("optimizer.", StringComparison.Ordinal)
                    || key.StartsWith("lookahead.", StringComparison.Ordinal)
                )
                .Select(key => $"'{key}': in the file, but not of this stepper")
        );
        if (differences.Count > 0)
        {
            throw new CheckpointMismatchException(differences);
        }

        foreach (var tensor in sound)
        {
            var values = new NativeStateArray<T>(0, tensor.Name, tensor.Parameter.Length);
            staged.Add(tensor.Name, new(tensor, values));
        }
    }

    private static bool IsExact(string type) => string.Equals(type, Manifest.TypeOf<T>(), StringComparison.Ordinal);

    private bool HasSteps(TorchParameter<T> parameter) =>
        plan.Class.CountsSteps && unclaimed.ContainsKey(parameter.StepName);

    private void MatchOptions(TorchParameter<T> parameter)
    {
        var name = parameter.Parameter.Name;
        foreach (var ignored in TorchClass.Ignored.Where(option => option is not TorchClass.InitialRate))
        {
            _ = Take(TorchNames.Option(name, ignored));
        }

        var initialRate = Take(TorchNames.Option(name, TorchClass.InitialRate));
        foreach (var option in plan.Class.Options)
        {
            var found = Take(TorchNames.Option(name, option.Name)) ?? option.Default;
            if (option.Name is TorchClass.Rate)
            {
                found = initialRate ?? found;
            }

            Compare($"parameter '{name}': option {option.Name}", option.Get(parameter.Core), found);
        }
    }

    /// <summary>Takes a tensor from those of the file, if it is as it must be.</summary>
    private bool Claim(TorchTensor<T> tensor)
    {
        if (!unclaimed.Remove(tensor.Name, out var found))
        {
            differences.Add($"tensor '{tensor.Name}': missing in the file");
            return false;
        }

        if (!tensor.Parameter.Shape.SequenceEqual(found.Shape))
        {
            differences.Add(
                $"tensor '{tensor.Name}': shape [{string.Join(", ", found.Shape)}] in the file, "
                    + $"[{string.Join(", ", tensor.Parameter.Shape)}] given"
            );
            return false;
        }

        // The original Ranger keeps float32 moments of float64 parameters; the other way round, numbers would be rounded.
        if (!IsExact(found.Type) && !(found.Type is "F32" && typeof(T) == typeof(double)))
        {
            differences.Add($"tensor '{tensor.Name}': type {found.Type} in the file, {Manifest.TypeOf<T>()} given");
            return false;
        }

        return true;
    }

    private void MatchSteps()
    {
        foreach (var parameter in plan.Parameters.Where(HasSteps))
        {
            _ = unclaimed.Remove(parameter.StepName, out var found);
            if (found!.Shape is not ([] or [1]) || found.Type is not ("F32" or "F64" or "I64" or "I32"))
            {
                differences.Add(
                    $"tensor '{parameter.StepName}': {found.Type} [{string.Join(", ", found.Shape)}] in the file; a count is one "
                        + "number of type F32, F64, I64 or I32"
                );
            }

            steps.Add(parameter.StepName, 0);
        }

        // A state without its steps is as incomplete as one without a moment.
        var present = file.Tensors.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        foreach (
            var parameter in plan.Parameters.Where(p =>
                plan.Class.CountsSteps
                && !steps.ContainsKey(p.StepName)
                && p.State.Any(tensor => present.Contains(tensor.Name))
            )
        )
        {
            differences.Add($"tensor '{parameter.StepName}': missing in the file");
        }
    }

    private void MatchLookahead()
    {
        foreach (var (key, expected) in plan.LookaheadOptions)
        {
            Compare($"'{key}'", expected, Take(key));
        }

        if (plan.Lookahead is not { } lookahead)
        {
            return;
        }

        if (Take(TorchNames.LookaheadStep) is not { } text)
        {
            differences.Add($"'{TorchNames.LookaheadStep}': missing in the file");
            return;
        }

        lookaheadStep = Count(TorchNames.LookaheadStep, text);
        if (lookaheadStep >= lookahead.Period)
        {
            differences.Add($"'{TorchNames.LookaheadStep}': {lookaheadStep} in the file, of {lookahead.Period} given");
        }
    }

    private void Compare(string what, string expected, string? found)
    {
        if (found is null)
        {
            differences.Add($"{what}: missing in the file, {expected} given");
        }
        else if (!TorchOption.Same(expected, found) && !options.AllowChangedOptions)
        {
            differences.Add($"{what}: {found} in the file, {expected} given");
        }
    }

    private void ReadTensors()
    {
        var total = file.DataLength;
        var done = 0L;
        foreach (var tensor in file.Tensors)
        {
            if (steps.ContainsKey(tensor.Name))
            {
                steps[tensor.Name] = ReadCount(tensor);
                done += tensor.End - tensor.Begin;
                continue;
            }

            var (target, values) = staged[tensor.Name];
            if (IsExact(tensor.Type))
            {
                Read<T>(tensor, target, values, static value => value, ref done, total);
            }
            else
            {
                Read<float>(tensor, target, values, T.CreateChecked, ref done, total);
            }
        }
    }

    private void Read<TFile>(
        SafetensorsTensor tensor,
        TorchTensor<T> target,
        NativeStateArray<T> values,
        Func<TFile, T> convert,
        ref long done,
        long total
    )
        where TFile : unmanaged
    {
        var length = (tensor.End - tensor.Begin) / Unsafe.SizeOf<TFile>();
        var buffer = new TFile[Math.Min(CheckpointWriter<T>.SliceLength, length)];
        var elements = new T[buffer.Length];
        for (var start = 0L; start < length; start += buffer.Length)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - start));
            Fill(MemoryMarshal.AsBytes(part), tensor.Name);
            for (var i = 0; i < part.Length; i++)
            {
                elements[i] = convert(part[i]);
            }

            LogicalOrder.Write(target.Parameter, values.Slice, start, elements.AsSpan(0, part.Length));
            done += part.Length * Unsafe.SizeOf<TFile>();
            options.Progress?.Report(new(done, total));
        }
    }

    private long ReadCount(SafetensorsTensor tensor)
    {
        Span<byte> bytes = stackalloc byte[sizeof(double)];
        bytes = bytes[..(int)(tensor.End - tensor.Begin)];
        Fill(bytes, tensor.Name);
        var value = tensor.Type switch
        {
            "F32" => Whole(MemoryMarshal.Read<float>(bytes)),
            "F64" => Whole(MemoryMarshal.Read<double>(bytes)),
            "I32" => MemoryMarshal.Read<int>(bytes),
            _ => MemoryMarshal.Read<long>(bytes),
        };
        return value >= 0
            ? value
            : throw new InvalidDataException($"The checkpoint is damaged or hostile: '{tensor.Name}' is no count.");

        static long Whole(double value) =>
            value >= 0 && value <= 1L << 53 && value == Math.Floor(value) ? (long)value : -1;
    }

    private void Fill(Span<byte> bytes, string tensor)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            throw Safetensors.Truncated($"it ends within '{tensor}'");
        }
    }

    private void Commit()
    {
        var most = 0L;
        foreach (var parameter in plan.Parameters)
        {
            var count = StepsOf(parameter);
            Copy(parameter.Values);
            foreach (var tensor in parameter.Lookahead)
            {
                Copy(tensor);
            }

            foreach (var tensor in parameter.State)
            {
                if (!Copy(tensor))
                {
                    Restart(parameter, tensor);
                }
            }

            parameter.Step.Value = count;
            parameter.OwnSync?.Value = count;
            most = Math.Max(most, count);
        }

        foreach (var counter in plan.SharedSyncs)
        {
            counter.Value = lookaheadStep;
        }

        plan.Stepper.RestoreCounts(stepCount ?? most, skipped: 0);
    }

    /// <summary>
    /// The steps of a parameter. PyTorch's SGD counts none and needs none: what matters is whether there is a momentum.
    /// </summary>
    private long StepsOf(TorchParameter<T> parameter)
    {
        if (plan.Class.CountsSteps)
        {
            return steps.GetValueOrDefault(parameter.StepName);
        }

        if (parameter.State.Count == 0)
        {
            return stepCount ?? 0;
        }

        return staged.ContainsKey(parameter.State[0].Name) ? Math.Max(1, stepCount ?? 1) : 0;
    }

    private bool Copy(TorchTensor<T> tensor)
    {
        if (!staged.TryGetValue(tensor.Name, out var found))
        {
            return false;
        }

        CopyAll(found.Values.Slice, tensor);
        return true;
    }

    /// <summary>The state of a parameter that has not been stepped, and of which the file therefore says nothing.</summary>
    private static void Restart(TorchParameter<T> parameter, TorchTensor<T> tensor)
    {
        if (tensor.IsWeights)
        {
            CopyAll(parameter.Parameter.Slice, tensor);
            return;
        }

        var start = T.CreateTruncating((parameter.Core as AdaGrad)?.InitialAccumulator ?? 0);
        CopyAll(
            (_, length) =>
            {
                var values = new T[length];
                values.AsSpan().Fill(start);
                return values;
            },
            tensor
        );
    }

    private static void CopyAll(Slicer<T> from, TorchTensor<T> to)
    {
        for (var start = 0L; start < to.Parameter.Length; start += CheckpointWriter<T>.SliceLength)
        {
            var length = (int)Math.Min(CheckpointWriter<T>.SliceLength, to.Parameter.Length - start);
            from(start, length).CopyTo(to.Slice(start, length));
        }
    }

    private string? Take(string key) => unread.Remove(key, out var value) ? value : null;

    private static long Count(string key, string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new InvalidDataException($"The checkpoint is damaged or hostile: '{key}' is no count.");
}
