using System.Numerics;

namespace NativeRanger.Checkpoints;

/// <summary>What of a checkpoint belongs to what of a stepper, matched by name; and all that does not fit.</summary>
internal sealed class ResumePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Manifest manifest;
    private readonly Stepper<T> stepper;
    private readonly List<string> differences = [];
    private readonly ManifestParameter[] saved;
    private readonly ManifestGroup[] savedGroups;

    private ResumePlan(Manifest manifest, Stepper<T> stepper)
    {
        this.manifest = manifest;
        this.stepper = stepper;
        saved = new ManifestParameter[stepper.Parameters.Count];
        savedGroups = new ManifestGroup[stepper.Groups.Count];
    }

    /// <summary>Each parameter with its saved form, in bind order.</summary>
    public IEnumerable<(Parameter<T> Parameter, ManifestParameter Saved)> Parameters => stepper.Parameters.Zip(saved);

    /// <summary>Each group with its saved form, in bind order.</summary>
    public IEnumerable<(StepperGroup<T> Group, ManifestGroup Saved)> Groups => stepper.Groups.Zip(savedGroups);

    /// <summary>Each state array with its saved parameter.</summary>
    public IEnumerable<(StateArray<T> Array, ManifestParameter Saved)> Arrays =>
        stepper.StateArrays.Select(array => (array, saved[array.Parameter]));

    /// <summary>Each counter with its saved value.</summary>
    public IEnumerable<(StateCounter Counter, long Value)> Counters =>
        stepper.StateCounters.Select(counter => (counter, SavedCounters(counter.Owner)[counter.Name]));

    /// <summary>Matches everything, and adds the saved averages to the stepper.</summary>
    /// <exception cref="CheckpointMismatchException">Something does not fit.</exception>
    public static ResumePlan<T> Of(Manifest manifest, Stepper<T> stepper, bool allowChangedOptions)
    {
        var plan = new ResumePlan<T>(manifest, stepper);
        plan.CompareKind();
        plan.CompareParameters();
        plan.ThrowIfDifferent();
        if (!allowChangedOptions)
        {
            plan.CompareOptions();
        }

        plan.AddAverages();
        plan.CompareState();
        plan.CompareValues();
        plan.ThrowIfDifferent();
        return plan;
    }

    private void AddAverages()
    {
        try
        {
            foreach (var average in manifest.Averages)
            {
                stepper.AddAverage(average);
            }
        }
        catch (InvalidOperationException tooMany)
        {
            throw new CheckpointMismatchException([
                $"averages: {manifest.Averages.Count} in the checkpoint; {tooMany.Message}",
            ]);
        }
    }

    private void CompareKind()
    {
        var given = RecipeText.Of(stepper.Optimizer);
        if (!manifest.Optimizer.SameKind(given))
        {
            differences.Add($"optimizer: {manifest.Optimizer.Describe()} in the checkpoint, {given.Describe()} given");
        }

        if (!string.Equals(manifest.ElementType, Manifest.TypeOf<T>(), StringComparison.Ordinal))
        {
            differences.Add($"element type: {manifest.ElementType} in the checkpoint, {Manifest.TypeOf<T>()} given");
        }
    }

    private void CompareParameters()
    {
        var unmatched = manifest
            .Groups.SelectMany(group => group.Parameters.Select(parameter => (Group: group, Parameter: parameter)))
            .ToDictionary(pair => pair.Parameter.Name, StringComparer.Ordinal);
        var index = 0;
        foreach (var (g, group) in stepper.Groups.Index())
        {
            var first = group.Parameters[0].Name;
            foreach (var parameter in group.Parameters)
            {
                if (!unmatched.Remove(TensorNames.Escape(parameter.Name), out var found))
                {
                    differences.Add($"parameter '{parameter.Name}': missing in the checkpoint");
                }
                else
                {
                    CompareLayout(parameter, found.Parameter);
                    savedGroups[g] ??= found.Group;
                    if (!ReferenceEquals(savedGroups[g], found.Group))
                    {
                        differences.Add(
                            $"parameter '{parameter.Name}': in another group than '{first}' in the checkpoint, in the same group given"
                        );
                    }

                    saved[index] = found.Parameter;
                }

                index++;
            }
        }

        differences.AddRange(unmatched.Keys.Select(name => $"parameter '{name}': in the checkpoint, but not given"));
        foreach (
            var shared in stepper.Groups.Index().GroupBy(pair => savedGroups[pair.Index]).Where(g => g.Key is not null)
        )
        {
            foreach (var (_, group) in shared.Skip(1))
            {
                differences.Add(
                    $"parameter '{group.Parameters[0].Name}': in the group of '{shared.First().Item.Parameters[0].Name}' in the "
                        + "checkpoint, in a group of its own given"
                );
            }
        }
    }

    private void CompareLayout(Parameter<T> given, ManifestParameter found)
    {
        if (!given.Shape.SequenceEqual(found.Shape))
        {
            Differ("shape", $"[{string.Join(", ", found.Shape)}]", $"[{string.Join(", ", given.Shape)}]");
        }

        var order = found.ColumnMajor ? StorageOrder.ColumnMajor : StorageOrder.RowMajor;
        if (given.StorageOrder != order)
        {
            Differ("storage order", order, given.StorageOrder);
        }

        if (given.OutputDimension != found.OutputDimension)
        {
            Differ("output dimension", found.OutputDimension, given.OutputDimension);
        }

        void Differ(string what, object before, object now) =>
            differences.Add($"parameter '{given.Name}': {what} {before} in the checkpoint, {now} given");
    }

    private void CompareOptions()
    {
        differences.AddRange(manifest.Optimizer.Differences(RecipeText.Of(stepper.Optimizer)));
        foreach (var (group, before) in Groups)
        {
            // Where a group has the recipe's options, the recipe's differences have been listed.
            var given = RecipeText.Of(group.BoundOptimizer);
            if (
                before.Bound.Differences(manifest.Optimizer).Any()
                || given.Differences(RecipeText.Of(stepper.Optimizer)).Any()
            )
            {
                differences.AddRange(
                    before.Bound.Differences(given).Select(line => $"group of '{group.Parameters[0].Name}': {line}")
                );
            }
        }
    }

    private void CompareState()
    {
        var arrays = stepper.StateArrays.ToLookup(array => array.Parameter, array => array.Name);
        var counters = stepper.StateCounters.ToLookup(counter => counter.Owner, counter => counter.Name);
        foreach (var (p, parameter) in stepper.Parameters.Index())
        {
            CompareNames(
                $"parameter '{parameter.Name}': array",
                arrays[p].Append(TensorNames.Values),
                saved[p].Checksums.Keys
            );
            CompareNames($"parameter '{parameter.Name}': counter", counters[p], saved[p].Counters.Keys);
        }

        foreach (var (g, group) in stepper.Groups.Index())
        {
            CompareNames(
                $"group of '{group.Parameters[0].Name}': counter",
                counters[-1 - g],
                savedGroups[g].Counters.Keys
            );
        }
    }

    /// <summary>Parameters that were left out must have the values that they had.</summary>
    private void CompareValues()
    {
        if (manifest.IncludesParameters)
        {
            return;
        }

        foreach (var (parameter, before) in Parameters)
        {
            var expected = before.Checksums[TensorNames.Values]!.Value;
            var given = CheckpointWriter<T>.Checksum(parameter.Slice, parameter.Length);
            if (given != expected)
            {
                differences.Add(
                    $"parameter '{parameter.Name}': its values were left out of the checkpoint and are not those of then "
                        + $"(CRC-32C {ManifestParameter.FormatChecksum(given)}, then {ManifestParameter.FormatChecksum(expected)})"
                );
            }
        }
    }

    private void CompareNames(string what, IEnumerable<string> expected, IEnumerable<string> found)
    {
        var extra = found.ToHashSet(StringComparer.Ordinal);
        foreach (var name in expected)
        {
            if (!extra.Remove(name))
            {
                differences.Add($"{what} '{name}': missing in the checkpoint");
            }
        }

        differences.AddRange(extra.Select(name => $"{what} '{name}': in the checkpoint, but not of this optimizer"));
    }

    private IReadOnlyDictionary<string, long> SavedCounters(int owner) =>
        owner >= 0 ? saved[owner].Counters : savedGroups[-1 - owner].Counters;

    private void ThrowIfDifferent()
    {
        if (differences.Count > 0)
        {
            throw new CheckpointMismatchException(differences);
        }
    }
}
