using System.Numerics;

namespace NativeRanger.Checkpoints;

/// <summary>What a checkpoint says of a stepper, and the arrays that go into it.</summary>
internal sealed class StepperSnapshot<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly List<TensorSource<T>> tensors = [];
    private readonly bool includeParameters;
    private readonly bool whole;

    /// <summary>A snapshot.</summary>
    /// <param name="stepper">The stepper.</param>
    /// <param name="includeParameters">Whether the values of the parameters are saved, and not only their checksums.</param>
    /// <param name="shards">The files that hold the arrays; null where they go into one file with the manifest.</param>
    public StepperSnapshot(Stepper<T> stepper, bool includeParameters, IReadOnlyList<ManifestShard>? shards)
    {
        this.includeParameters = includeParameters;
        whole = shards is null;
        Manifest = Describe(stepper, shards);
    }

    public Manifest Manifest { get; }

    /// <summary>The arrays, in the order of the manifest; none where shards hold them.</summary>
    public IReadOnlyList<TensorSource<T>> Tensors => tensors;

    private Manifest Describe(Stepper<T> stepper, IReadOnlyList<ManifestShard>? shards)
    {
        var arrays = stepper.StateArrays.ToLookup(array => array.Parameter);
        var counters = stepper.StateCounters.ToLookup(counter => counter.Owner);
        var groups = new List<ManifestGroup>();
        var index = 0;
        foreach (var group in stepper.Groups)
        {
            var parameters = new List<ManifestParameter>();
            foreach (var parameter in group.Parameters)
            {
                parameters.Add(Describe(parameter, arrays[index], counters[index]));
                index++;
            }

            groups.Add(
                new()
                {
                    Bound = RecipeText.Of(group.BoundOptimizer),
                    Current = RecipeText.Of(group.Optimizer),
                    Counters = Values(counters[-1 - groups.Count]),
                    Parameters = parameters,
                }
            );
        }

        return new()
        {
            ElementType = Manifest.TypeOf<T>(),
            StepCount = stepper.StepCount,
            SkippedSteps = stepper.SkippedSteps,
            IncludesParameters = includeParameters,
            Optimizer = RecipeText.Of(stepper.Optimizer),
            Averages = [.. stepper.Averages.Select(average => average.Average)],
            Groups = groups,
            Shards = shards,
        };
    }

    private ManifestParameter Describe(
        Parameter<T> parameter,
        IEnumerable<StateArray<T>> arrays,
        IEnumerable<StateCounter> counters
    )
    {
        var name = TensorNames.Escape(parameter.Name);
        var checksums = new Dictionary<string, uint?>(StringComparer.Ordinal);
        Add(TensorNames.Values, parameter.Length, parameter.Slice, includeParameters);
        foreach (var array in arrays)
        {
            Add(array.Name, array.Length, array.Slice, isSaved: true);
        }

        return new()
        {
            Name = name,
            Shape = parameter.Shape,
            ColumnMajor = parameter.StorageOrder == StorageOrder.ColumnMajor,
            OutputDimension = parameter.OutputDimension,
            Counters = Values(counters),
            Checksums = checksums,
        };

        void Add(string array, long length, Slicer<T> slice, bool isSaved)
        {
            uint? checksum = whole || !isSaved ? CheckpointWriter<T>.Checksum(slice, length) : null;
            checksums.Add(array, checksum);
            if (whole && isSaved)
            {
                tensors.Add(new(TensorNames.Of(name, array), length, slice, checksum!.Value));
            }
        }
    }

    private static Dictionary<string, long> Values(IEnumerable<StateCounter> counters) =>
        counters.ToDictionary(counter => counter.Name, counter => counter.Value, StringComparer.Ordinal);
}
