using System.Numerics;
using System.Runtime.CompilerServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>One group on the native backend: its tensors, state and counters, and what each step asks of the library.</summary>
internal sealed unsafe class NativeGroup<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>A tensor takes as long besides its elements as so many of them.</summary>
    private const long WorkPerTensor = 64;

    private readonly Parameter<T>[] parameters;
    private readonly int firstParameter;
    private readonly int index;
    private readonly InstructionSet instructionSet;
    private readonly StateStore<T> store;
    private readonly NativeTensorTable table;
    private readonly List<AddressedArray<T>> arrays = [];
    private readonly List<StateCounter> counters = [];
    private readonly List<Average> averages = [];
    private readonly List<long> averageSteps = [];
    private readonly long[] sharedCounters;
    private readonly long[] parameterCounters;
    private readonly long[] lengths;
    private int arraysPerParameter;
    private NativeRecipe recipe;

    public NativeGroup(
        IReadOnlyList<Parameter<T>> parameters,
        int firstParameter,
        int index,
        Optimizer optimizer,
        InstructionSet instructionSet,
        NativeGroup<T>? clock,
        StateStore<T>? store = null
    )
    {
        this.store = store ?? NativeStateStore<T>.Instance;
        this.parameters = [.. parameters];
        this.firstParameter = firstParameter;
        this.index = index;
        this.instructionSet = instructionSet;
        recipe = NativeRecipe.Of(optimizer);
        sharedCounters = new long[recipe.Levels.Length];
        clock?.sharedCounters.CopyTo(sharedCounters, 0);
        parameterCounters = new long[recipe.Levels.Length * parameters.Count];
        lengths = [.. parameters.Select(p => p.Length)];
        table = new(parameters.Count);
        try
        {
            CreateState();
            SetOptions();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<AddressedArray<T>> Arrays => arrays;

    public IReadOnlyList<StateCounter> Counters => counters;

    public double? ClipNorm => recipe.ClipNorm;

    public int Count => parameters.Length;

    public IReadOnlyList<Parameter<T>> Parameters => parameters;

    /// <summary>The number of the first parameter, in bind order.</summary>
    public int FirstParameter => firstParameter;

    /// <summary>The bytes that a step reads and writes, averages and syncs left out.</summary>
    public long WorkingSet => parameters.Sum(p => p.Length) * sizeof(T) * (2 + recipe.StateArrays().Length);

    /// <summary>The elements of all parameters.</summary>
    public long Elements => parameters.Sum(p => p.Length);

    /// <summary>How many elements that are divided by a square root take as long.</summary>
    public long Work => (long)(recipe.Work * Elements) + (WorkPerTensor * Count);

    /// <summary>Where the rows of a tensor lie, or one flat row where no transform needs them.</summary>
    public RowLayout LayoutOf(int tensor) => recipe.Layout(parameters[tensor]);

    /// <summary>Whether a row has to be stepped as a whole.</summary>
    public bool RowsMatter(int tensor) => recipe.RowsMatter(parameters[tensor]);

    /// <summary>Whether the mean of its gradient is all that a step must know of a whole row.</summary>
    public bool OnlyMeansMatter(int tensor) => recipe.OnlyMeansMatter(parameters[tensor]);

    /// <summary>Whether the tensor cannot be stepped in pieces.</summary>
    public bool IsWhole => recipe.HasScalars;

    public nr_tensor* Tensors => table.Tensors;

    public nr_options* Options => table.Options;

    public void SetOptimizer(Optimizer optimizer)
    {
        recipe = NativeRecipe.Of(optimizer);
        SetOptions();
    }

    /// <summary>Adds an average, or changes nothing where memory is lacking.</summary>
    public void AddAverage(Average average, int number)
    {
        var added = NewArrays(StateNames.Average(number));
        try
        {
            CopyParameters(added);
            table.AddFollower();
        }
        catch
        {
            RemoveLastArrays();
            throw;
        }

        var follower = table.Options->follower_count - 1;
        for (var i = 0; i < parameters.Length; i++)
        {
            table.Follower(i, follower).weights = added[i].Address;
        }

        averages.Add(average);
        averageSteps.Add(0);
        var slot = averages.Count - 1;
        counters.Add(
            NewCounter(
                -1 - index,
                StateNames.AverageSteps(number),
                () => averageSteps[slot],
                v => averageSteps[slot] = v
            )
        );
    }

    /// <summary>Takes back the last <see cref="AddAverage"/>, before a step.</summary>
    public void RemoveAverage()
    {
        table.RemoveFollower();
        RemoveLastArrays();
        averages.RemoveAt(averages.Count - 1);
        averageSteps.RemoveAt(averageSteps.Count - 1);
        counters.RemoveAt(counters.Count - 1);
    }

    /// <summary>Sets what differs from step to step: the rate, the step of each tensor, which followers move.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prepare(double learningRate, int microBatches, bool zeroGradients)
    {
        var options = table.Options;
        options->learning_rate = learningRate;
        options->gradient_scale = microBatches > 1 ? 1.0 / microBatches : 1;
        options->clip_factor = 1;
        options->flags = zeroGradients
            ? options->flags | (uint)nr_option_flags.NR_ZERO_GRADIENT
            : options->flags & ~(uint)nr_option_flags.NR_ZERO_GRADIENT;

        var isFollowed = IsFollowed;
        var always = isFollowed ? SharedSyncs() | AveragesToMove() : 0;
        var tensors = table.Tensors;
        for (var i = 0; i < parameters.Length; i++)
        {
            tensors[i].active = always;
            if (tensors[i].gradient is not null)
            {
                tensors[i].step++;
                tensors[i].active |= isFollowed ? OwnSyncs(i) : 0;
            }
        }
    }

    /// <summary>Whether there are arrays that follow the parameters.</summary>
    private bool IsFollowed => table.Options->follower_count > 0;

    /// <summary>Takes back <see cref="Prepare"/>.</summary>
    public void Abandon()
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            if (table.Tensors[i].gradient is not null)
            {
                table.Tensors[i].step--;
            }
        }
    }

    /// <summary>Counts a completed step.</summary>
    public void Commit()
    {
        if (IsFollowed)
        {
            CountFollowers();
        }
    }

    private void CountFollowers()
    {
        var levels = recipe.Levels;
        for (var a = 0; a < averageSteps.Count; a++)
        {
            averageSteps[a]++;
        }

        for (var l = 0; l < levels.Length; l++)
        {
            if (levels[l].Counter == SyncCounter.Shared)
            {
                sharedCounters[l]++;
            }
            else
            {
                for (var i = 0; i < parameters.Length; i++)
                {
                    if (table.Tensors[i].gradient is not null)
                    {
                        parameterCounters[(l * parameters.Length) + i]++;
                    }
                }
            }
        }

        ResetInner();
    }

    /// <summary>Asks for a sync of every level without a step.</summary>
    public void PrepareSynchronize()
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            table.Tensors[i].active = (1UL << recipe.Levels.Length) - 1;
        }
    }

    /// <summary>Counts <see cref="PrepareSynchronize"/>.</summary>
    public void CommitSynchronize()
    {
        ResetInner();
        Array.Clear(sharedCounters);
        Array.Clear(parameterCounters);
    }

    public void Dispose()
    {
        foreach (var array in arrays)
        {
            array.Dispose();
        }

        table.Dispose();
    }

    private void CreateState()
    {
        var names = recipe.StateArrays();
        if (
            recipe.HasScalars
            && store.NewScalars(parameters.Length * NativeTensorTable.ScalarsPerTensor) is var scalars and not null
        )
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                table.Tensors[i].scalars = scalars + (i * NativeTensorTable.ScalarsPerTensor);
            }
        }

        for (var s = 0; s < names.Length; s++)
        {
            var state = NewArrays(names[s]!);
            for (var i = 0; i < parameters.Length; i++)
            {
                if (recipe.InitialState != 0)
                {
                    state[i].Fill(T.CreateTruncating(recipe.InitialState));
                }

                table.SetState(i, s, state[i].Address);
            }
        }

        for (var i = 0; i < parameters.Length; i++)
        {
            AddCounters(i);
        }

        for (var l = 0; l < recipe.Levels.Length; l++)
        {
            AddLevel(l);
        }
    }

    private void AddLevel(int level)
    {
        table.AddFollower();
        var slow = NewArrays(StateNames.SlowWeights(level));
        CopyParameters(slow);
        var momenta =
            recipe.Levels[level].InnerState == InnerState.Pullback ? NewArrays(StateNames.SlowMomentum(level)) : null;
        for (var i = 0; i < parameters.Length; i++)
        {
            table.Follower(i, level) = new()
            {
                weights = slow[i].Address,
                momentum = momenta is null ? null : momenta[i].Address,
            };
        }

        var name = StateNames.SyncCounter(level);
        if (recipe.Levels[level].Counter == SyncCounter.Shared)
        {
            counters.Add(NewCounter(-1 - index, name, () => sharedCounters[level], v => sharedCounters[level] = v));
            return;
        }

        for (var i = 0; i < parameters.Length; i++)
        {
            var slot = (level * parameters.Length) + i;
            counters.Add(
                NewCounter(firstParameter + i, name, () => parameterCounters[slot], v => parameterCounters[slot] = v)
            );
        }
    }

    private void AddCounters(int i)
    {
        counters.Add(
            NewCounter(firstParameter + i, StateNames.Step, () => table.Tensors[i].step, v => table.Tensors[i].step = v)
        );
        if (!recipe.HasScalars)
        {
            return;
        }

        AddScalar(0, StateNames.MeanSecondMoment);
        AddScalar(1, StateNames.SlowMeanSecondMoment);
        counters.Add(
            NewCounter(
                firstParameter + i,
                StateNames.SlowStep,
                () => (long)store.ReadScalar(table.Tensors[i].scalars + 2),
                v =>
                {
                    store.WriteScalar(table.Tensors[i].scalars + 2, v);
                    store.WriteScalar(table.Tensors[i].scalars + 3, v > 0 ? 1 : 0);
                }
            )
        );

        void AddScalar(int scalar, string name) =>
            counters.Add(
                NewCounter(
                    firstParameter + i,
                    name,
                    () => BitConverter.DoubleToInt64Bits(store.ReadScalar(table.Tensors[i].scalars + scalar)),
                    v => store.WriteScalar(table.Tensors[i].scalars + scalar, BitConverter.Int64BitsToDouble(v))
                )
            );
    }

    private NativeStateCounter NewCounter(int owner, string name, Func<long> get, Action<long> set) =>
        new(owner, name, store.Settle, get, set);

    /// <summary>An array for every parameter.</summary>
    private AddressedArray<T>[] NewArrays(string name)
    {
        var added = store.NewArrays(firstParameter, name, lengths, arraysPerParameter);
        arraysPerParameter++;
        arrays.AddRange(added);
        return added;
    }

    private void CopyParameters(AddressedArray<T>[] to)
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            to[i].CopyFrom(parameters[i].Buffer);
        }
    }

    /// <summary>Releases what the last <see cref="NewArrays"/> made.</summary>
    private void RemoveLastArrays()
    {
        var first = arrays.Count - parameters.Length;
        foreach (var array in arrays.Skip(first))
        {
            array.Dispose();
        }

        arrays.RemoveRange(first, parameters.Length);
        arraysPerParameter--;
    }

    private void SetOptions()
    {
        var options = recipe.Options<T>(instructionSet);
        options.follower_count = table.Options->follower_count;
        options.followers = table.Options->followers;
        *table.Options = options;
        for (var l = 0; l < recipe.Levels.Length; l++)
        {
            table.Followers[l] = recipe.Follower(l);
        }

        for (var i = 0; i < parameters.Length; i++)
        {
            ref var tensor = ref table.Tensors[i];
            var layout = recipe.Layout(parameters[i]);
            (tensor.outer, tensor.rows, tensor.inner) = (layout.Outer, layout.Rows, layout.Inner);
            tensor.stride = layout.Rows * layout.Inner;
            tensor.flags = (uint)recipe.RowTransforms(parameters[i]);
        }
    }

    private ulong SharedSyncs()
    {
        var active = 0UL;
        for (var l = 0; l < recipe.Levels.Length; l++)
        {
            var level = recipe.Levels[l];
            if (level.Counter == SyncCounter.Shared && (sharedCounters[l] + 1) % level.Period == 0)
            {
                active |= 1UL << l;
            }
        }

        return active;
    }

    private ulong OwnSyncs(int parameter)
    {
        var active = 0UL;
        for (var l = 0; l < recipe.Levels.Length; l++)
        {
            var level = recipe.Levels[l];
            if (
                level.Counter == SyncCounter.PerParameter
                && (parameterCounters[(l * parameters.Length) + parameter] + 1) % level.Period == 0
            )
            {
                active |= 1UL << l;
            }
        }

        return active;
    }

    private ulong AveragesToMove()
    {
        var active = 0UL;
        for (var a = 0; a < averages.Count; a++)
        {
            var weight = averages[a] switch
            {
                ExponentialAverage exponential => 1 - exponential.Decay,
                StochasticAverage stochastic => SampleWeight(stochastic, averageSteps[a] + 1),
                _ => 0,
            };
            if (weight > 0)
            {
                var follower = recipe.Levels.Length + a;
                table.Followers[follower].weight = weight;
                active |= 1UL << follower;
            }
        }

        return active;
    }

    /// <summary>1/n where a step completes the n-th sample, otherwise 0.</summary>
    private static double SampleWeight(StochasticAverage average, long step)
    {
        var since = step - average.Start;
        return since > 0 && since % average.Every == 0 ? 1.0 / (since / average.Every) : 0;
    }

    /// <summary>After a sync that resets: the inner optimizer's steps and the counters of the levels inside start at 0.</summary>
    private void ResetInner()
    {
        for (var l = 0; l < recipe.Levels.Length; l++)
        {
            if (!recipe.Resets(l))
            {
                continue;
            }

            for (var i = 0; i < parameters.Length; i++)
            {
                if ((table.Tensors[i].active & (1UL << l)) == 0)
                {
                    continue;
                }

                table.Tensors[i].step = 0;
                for (var inner = 0; inner < l; inner++)
                {
                    parameterCounters[(inner * parameters.Length) + i] = 0;
                    sharedCounters[inner] = 0;
                }
            }
        }
    }
}
