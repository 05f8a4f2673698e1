using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using NativeRanger.Checkpoints;

namespace NativeRanger.Exchange;

/// <summary>Writes what a stepper holds under the names that it has in Python.</summary>
internal sealed class TorchWriter<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The largest count that float32, which PyTorch counts in, holds together with all below it.</summary>
    private const long LargestInSingle = 1 << 24;
    private const long LargestInDouble = 1L << 53;

    private readonly TorchPlan<T> plan;
    private readonly List<TorchTensor<T>> tensors = [];
    private readonly List<(string Name, long Steps)> steps = [];
    private readonly IProgress<CheckpointProgress>? progress;
    private readonly byte[] header;

    public TorchWriter(Stepper<T> stepper, SaveOptions options)
    {
        plan = TorchPlan<T>.Of(stepper);
        plan.RequireSavable();
        progress = options.Progress;
        foreach (var parameter in plan.Parameters)
        {
            if (options.IncludeParameters)
            {
                tensors.Add(parameter.Values);
            }

            tensors.AddRange(parameter.Lookahead);
            if (!parameter.HasState)
            {
                continue;
            }

            tensors.AddRange(parameter.State);
            if (plan.Class.CountsSteps)
            {
                steps.Add((parameter.StepName, parameter.Step.Value));
            }
        }

        if (steps.Exists(step => step.Steps > LargestInDouble))
        {
            throw new NotSupportedException($"More than 2^53 steps have no floating-point number in PyTorch.");
        }

        header = SafetensorsHeader.Compose(Metadata(), Shapes());
        Length =
            header.Length
            + tensors.Sum(tensor => tensor.Parameter.Length * Unsafe.SizeOf<T>())
            + steps.Sum(step => (long)SizeOf(step.Steps));
    }

    /// <summary>The bytes of the file.</summary>
    public long Length { get; }

    public void WriteTo(Stream stream)
    {
        stream.Write(header);
        var done = (long)header.Length;
        progress?.Report(new(done, Length));
        var buffer = new T[
            Math.Min(CheckpointWriter<T>.SliceLength, tensors.Select(t => t.Parameter.Length).DefaultIfEmpty().Max())
        ];
        foreach (var tensor in tensors)
        {
            for (var start = 0L; start < tensor.Parameter.Length; start += buffer.Length)
            {
                var elements = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Parameter.Length - start));
                LogicalOrder.Read(tensor.Parameter, tensor.Slice, start, elements);
                var bytes = MemoryMarshal.AsBytes(elements);
                stream.Write(bytes);
                done += bytes.Length;
                progress?.Report(new(done, Length));
            }
        }

        // Scalars of four bytes come last, so that arrays of eight-byte elements are aligned.
        foreach (var (_, count) in steps)
        {
            stream.Write(
                SizeOf(count) == sizeof(float)
                    ? BitConverter.GetBytes((float)count)
                    : BitConverter.GetBytes((double)count)
            );
        }

        progress?.Report(new(Length, Length));
    }

    private static int SizeOf(long steps) => steps <= LargestInSingle ? sizeof(float) : sizeof(double);

    private IEnumerable<SafetensorsTensorShape> Shapes() =>
        tensors
            .Select(tensor => new SafetensorsTensorShape(
                tensor.Name,
                Manifest.TypeOf<T>(),
                Unsafe.SizeOf<T>(),
                tensor.Parameter.Shape
            ))
            .Concat(
                steps.Select(step => new SafetensorsTensorShape(
                    step.Name,
                    SizeOf(step.Steps) == sizeof(float) ? "F32" : "F64",
                    SizeOf(step.Steps),
                    []
                ))
            );

    private IEnumerable<(string Key, ReadOnlyMemory<byte> Value)> Metadata()
    {
        yield return Text(TorchNames.Format, TorchNames.FormatValue);
        yield return Text(TorchNames.Class, plan.Class.Name);
        yield return Text(TorchNames.Steps, plan.Stepper.StepCount.ToString(CultureInfo.InvariantCulture));
        foreach (var parameter in plan.Parameters)
        {
            foreach (var option in plan.Class.Options.Where(option => option.IsWritten(parameter.Core)))
            {
                yield return Text(TorchNames.Option(parameter.Parameter.Name, option.Name), option.Get(parameter.Core));
            }
        }

        foreach (var (key, json) in plan.LookaheadOptions)
        {
            yield return Text(key, json);
        }

        if (plan.Lookahead is { } lookahead)
        {
            var since = plan.SharedSyncs[0].Value % lookahead.Period;
            yield return Text(TorchNames.LookaheadStep, since.ToString(CultureInfo.InvariantCulture));
        }

        static (string, ReadOnlyMemory<byte>) Text(string key, string value) => (key, Encoding.UTF8.GetBytes(value));
    }
}
