using NativeRanger.Numerics;
using NativeRanger.Tests.Checkpoints;

namespace NativeRanger.Tests.Fuzzing;

/// <summary>A file that is sound, and a reader that is given changed ones.</summary>
internal abstract class CheckpointSubject
{
    private const float Untouched = 7;

    private static readonly Optimizer[] Recipes =
    [
        new Ranger { Period = 2 },
        new Adam { AmsGrad = true },
        new Lookahead(new Sgd { Momentum = 0.5 }) { Period = 2, InnerState = InnerState.Pullback },
        new Sgd(),
    ];

    private CheckpointSubject(Optimizer recipe) => Recipe = recipe;

    /// <summary>A sound file.</summary>
    public byte[] Sound { get; private init; } = [];

    /// <summary>Checkpoints with and without the parameters, files for PyTorch, and each file of what two ranks have saved.</summary>
    public static IReadOnlyList<CheckpointSubject> All { get; } =
    [
        .. Recipes.Select(recipe => new ByResume(recipe, includeParameters: true)),
        new ByResume(Recipes[0], includeParameters: false),
        .. Recipes.Select(recipe => new ByLoading(recipe)),
        .. ShardFuzzing.Files.Select(file => new ByShards(file)),
    ];

    private protected Optimizer Recipe { get; }

    /// <summary>Reads an input.</summary>
    /// <returns>False where it was refused.</returns>
    /// <exception cref="FuzzerFindingException">It was neither read nor refused as documented, or refusing it changed something.</exception>
    public bool Read(byte[] input)
    {
        var arrays = new float[][] { new float[6], new float[2] };
        foreach (var array in arrays)
        {
            array.AsSpan().Fill(Untouched);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        bool wasRead;
        try
        {
            Read(new MemoryStream(input), arrays);
            wasRead = true;
        }
        catch (Exception refused) when (IsRefusal(refused))
        {
            wasRead = false;
        }
        catch (Exception undocumented)
        {
            throw new FuzzerFindingException($"an undocumented exception: {undocumented}", undocumented);
        }

        // A reader may copy the header a few times over, as text and as objects; it may not believe sizes that are stated.
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > (1 << 21) + (400L * input.Length))
        {
            throw new FuzzerFindingException($"{allocated} bytes were allocated for {input.Length}");
        }

        if (!wasRead && arrays.Any(array => array.Any(value => value != Untouched)))
        {
            throw new FuzzerFindingException("a file that was refused has changed parameters");
        }

        return wasRead;
    }

    private protected abstract void Read(Stream input, float[][] arrays);

    /// <summary>Whether the readers document the exception.</summary>
    private protected virtual bool IsRefusal(Exception thrown) =>
        thrown is InvalidDataException or CheckpointMismatchException or NotSupportedException;

    private protected static IEnumerable<Parameter<float>> Parameters(float[][] arrays) =>
        [Parameter.Of("layer/weight", arrays[0], 2, 3), Parameter.Of("b", arrays[1])];

    private protected static Stepper<float> Run(Optimizer recipe)
    {
        var stepper = recipe.Bind(
            Parameters([
                [1, 2, 3, 4, 5, 6],
                [7, 8],
            ]),
            Backend.Managed
        );
        for (var step = 0; step < 3; step++)
        {
            stepper.Step([
                [1, -1, 2, -2, 3, -3],
                step == 0 ? null : [1, 1],
            ]);
        }

        return stepper;
    }

    /// <summary>What was read can be stepped: no counter or option came in that a step cannot bear.</summary>
    private protected static void Use(Stepper<float> stepper) =>
        stepper.Step([
            [1, -1, 2, -2, 3, -3],
            [1, 1],
        ]);

    private sealed class ByResume : CheckpointSubject
    {
        public ByResume(Optimizer recipe, bool includeParameters)
            : base(recipe)
        {
            using var stepper = Run(recipe);
            stepper.AddAverage(new ExponentialAverage());
            using var stream = new MemoryStream();
            stepper.Save(stream, new() { IncludeParameters = includeParameters });
            Sound = stream.ToArray();
        }

        private protected override void Read(Stream input, float[][] arrays)
        {
            using var stepper = Recipe.Resume(Parameters(arrays), input, Backend.Managed);
            Use(stepper);
        }
    }

    /// <summary>A changed file among sound ones; nothing is read but neighbours of the manifest.</summary>
    private sealed class ByShards : CheckpointSubject
    {
        private readonly string file;

        public ByShards(string file)
            : base(ShardFuzzing.Recipe)
        {
            this.file = file;
            Sound = ShardFuzzing.Sound(file);
        }

        private protected override void Read(Stream input, float[][] arrays)
        {
            using var directory = new TemporaryDirectory();
            using var bytes = new MemoryStream();
            input.CopyTo(bytes);
            var path = ShardFuzzing.Write(directory, file, bytes.ToArray());
            var parameters = Parameters(arrays).ToArray();
            parameters[0] = new(parameters[0].Name, arrays[0], 2, 3) { StorageOrder = StorageOrder.ColumnMajor };
            try
            {
                Checkpoint.Open(path).Verify();
            }
            catch (Exception refused) when (IsRefusal(refused))
            {
                // It may still be resumed from: that is tried, too.
            }

            using var stepper = Recipe.Resume(parameters, path, Backend.Managed);
            Use(stepper);
        }

        private protected override bool IsRefusal(Exception thrown) =>
            thrown is FileNotFoundException || base.IsRefusal(thrown);
    }

    private sealed class ByLoading : CheckpointSubject
    {
        public ByLoading(Optimizer recipe)
            : base(recipe)
        {
            using var stepper = Run(recipe);
            using var stream = new MemoryStream();
            TorchState.Save(stepper, stream);
            Sound = stream.ToArray();
        }

        private protected override void Read(Stream input, float[][] arrays)
        {
            using var stepper = Recipe.Bind(Parameters(arrays), Backend.Managed);
            var before = Save(stepper);
            try
            {
                TorchState.Load(stepper, input);
            }
            catch (Exception refused) when (!Save(stepper).AsSpan().SequenceEqual(before))
            {
                throw new InvalidOperationException("a file that was refused has changed the state", refused);
            }

            Use(stepper);
        }

        private static byte[] Save(Stepper<float> stepper)
        {
            using var stream = new MemoryStream();
            stepper.Save(stream);
            return stream.ToArray();
        }
    }
}

/// <summary>What a fuzzer looks for.</summary>
public sealed class FuzzerFindingException : Exception
{
    public FuzzerFindingException() { }

    public FuzzerFindingException(string message)
        : base(message) { }

    public FuzzerFindingException(string message, Exception innerException)
        : base(message, innerException) { }
}
