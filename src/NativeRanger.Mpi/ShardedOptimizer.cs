using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>Binds recipes so that ranks share the steps.</summary>
/// <remarks>
/// Every rank holds all parameters, with the same values when bound, and the state (moments, slow weights, averages) of its own
/// range only, 1/W of it. A step brings each gradient to the rank that owns it, adds the contributions of all ranks there, steps
/// the range, and brings the parameters back to all ranks. (ZeRO stage 1: Rajbhandari et al., ZeRO: Memory Optimizations Toward
/// Training Trillion Parameter Models, SC 2020.)
/// Parameters in the memory of devices stay there: each rank binds buffers of its own device, steps its range there, and in the
/// fast mode the gradients travel by NCCL, or by an MPI library that takes memory of devices; in the reproducible mode through
/// memory of the host. The global norm is not clipped there, and non-finite gradients are not looked for.
/// </remarks>
public static class ShardedOptimizer
{
    /// <summary>Binds a recipe to parameters that all ranks of a communicator step together.</summary>
    /// <remarks>
    /// The stepper is used as any other; every call that steps, accumulates, changes weights or saves is made by all ranks.
    /// Where a rank fails validation, or the ranks disagree on names, shapes, options, rates or the step, all ranks throw the
    /// same <see cref="RankDisagreementException"/> and nothing has changed. A parameter's gradient may be null on some ranks: they add
    /// nothing. State arrays hold this rank's range (<see cref="Sharding{T}"/>).
    /// </remarks>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="parameters">At least one parameter; names are unique, memory does not overlap; the same on all ranks.</param>
    /// <param name="communicator">The ranks.</param>
    /// <param name="options">How the steps are shared.</param>
    /// <exception cref="RankDisagreementException">The ranks disagree, or one fails.</exception>
    /// <exception cref="RankTimeoutException">Not all ranks have called in time.</exception>
    /// <exception cref="MpiException">MPI has failed.</exception>
    public static Stepper<T> BindSharded<T>(
        this Optimizer optimizer,
        IEnumerable<Parameter<T>> parameters,
        Communicator communicator,
        ShardingOptions? options = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Bind<T>(optimizer, communicator, options, () => [new ParameterGroup<T>(parameters)], optimizer.Bind);

    /// <summary>Binds a recipe to groups of parameters, each with options of its own, that all ranks step together.</summary>
    /// <inheritdoc cref="BindSharded{T}(Optimizer, IEnumerable{Parameter{T}}, Communicator, ShardingOptions?)"/>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="groups">At least one group; names are unique, memory does not overlap; the same on all ranks.</param>
    /// <param name="communicator">The ranks.</param>
    /// <param name="options">How the steps are shared.</param>
    public static Stepper<T> BindSharded<T>(
        this Optimizer optimizer,
        IEnumerable<ParameterGroup<T>> groups,
        Communicator communicator,
        ShardingOptions? options = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Bind(optimizer, communicator, options, () => Listed(groups), optimizer.Bind);

    /// <summary>Binds a recipe to parameters that all ranks step together, and goes on from a checkpoint, as if never stopped.</summary>
    /// <remarks>
    /// The checkpoint is one that any number of ranks has saved, or one process; the bits are those of the run that was saved.
    /// All ranks read the same path. Each reads the parameters, and of the state what it owns. Either all ranks go on from the
    /// checkpoint, or all throw the same exception and nothing has changed.
    /// </remarks>
    /// <inheritdoc cref="BindSharded{T}(Optimizer, IEnumerable{Parameter{T}}, Communicator, ShardingOptions?)"/>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="parameters">The parameters; they receive the saved values.</param>
    /// <param name="communicator">The ranks.</param>
    /// <param name="path">The file that <see cref="Stepper{T}.Save(string, SaveOptions?)"/> wrote.</param>
    /// <param name="options">How the steps are shared.</param>
    /// <param name="resume">What may differ, and who is told of progress.</param>
    public static Stepper<T> ResumeSharded<T>(
        this Optimizer optimizer,
        IEnumerable<Parameter<T>> parameters,
        Communicator communicator,
        string path,
        ShardingOptions? options = null,
        ResumeOptions? resume = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Bind<T>(
            optimizer,
            communicator,
            options,
            () => [new ParameterGroup<T>(parameters)],
            (groups, backend) => Optimizer.Resume(() => optimizer.Bind(groups, backend), path, resume),
            Operation.Resume
        );

    /// <summary>Binds a recipe to groups of parameters that all ranks step together, and goes on from a checkpoint.</summary>
    /// <inheritdoc cref="ResumeSharded{T}(Optimizer, IEnumerable{Parameter{T}}, Communicator, string, ShardingOptions?, ResumeOptions?)"/>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="groups">The groups; their parameters receive the saved values.</param>
    /// <param name="communicator">The ranks.</param>
    /// <param name="path">The file that <see cref="Stepper{T}.Save(string, SaveOptions?)"/> wrote.</param>
    /// <param name="options">How the steps are shared.</param>
    /// <param name="resume">What may differ, and who is told of progress.</param>
    public static Stepper<T> ResumeSharded<T>(
        this Optimizer optimizer,
        IEnumerable<ParameterGroup<T>> groups,
        Communicator communicator,
        string path,
        ShardingOptions? options = null,
        ResumeOptions? resume = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Bind(
            optimizer,
            communicator,
            options,
            () => Listed(groups),
            (listed, backend) => Optimizer.Resume(() => optimizer.Bind(listed, backend), path, resume),
            Operation.Resume
        );

    /// <summary>What of a sharded stepper is on this rank.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="stepper">A stepper that <see cref="BindSharded{T}(Optimizer, IEnumerable{Parameter{T}}, Communicator, ShardingOptions?)"/> made.</param>
    /// <exception cref="ArgumentException">The stepper is not sharded.</exception>
    public static Sharding<T> Sharding<T>(this Stepper<T> stepper)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(stepper);
        return stepper.Engine is ISharded<T> engine
            ? new(engine)
            : throw new ArgumentException(
                $"The stepper is not sharded: it was bound by {nameof(Optimizer)}.Bind, not by {nameof(BindSharded)}.",
                nameof(stepper)
            );
    }

    /// <summary>Binds on all ranks or on none.</summary>
    private static Stepper<T> Bind<T>(
        Optimizer optimizer,
        Communicator communicator,
        ShardingOptions? options,
        Func<ParameterGroup<T>[]> groups,
        Func<ParameterGroup<T>[], Backend, Stepper<T>> bind,
        Operation operation = Operation.Bind
    )
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(communicator);
        var number = communicator.NextStepper();
        try
        {
            var listed = groups();
            return bind(listed, new ShardedBackend(communicator, options ?? new(), number, DeviceOf(listed)));
        }
        catch (Exception failure)
            when (failure
                    is not (
                        RankDisagreementException
                        or RankTimeoutException
                        or MpiException
                        or ObjectDisposedException
                    )
            )
        {
            communicator.Refuse(operation, number, failure);
            throw;
        }
    }

    private static ParameterGroup<T>[] Listed<T>(IEnumerable<ParameterGroup<T>> groups)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(groups);
        return [.. groups];
    }

    /// <summary>The backend of the first buffer that is in the memory of a device, or null.</summary>
    private static CudaBackend? DeviceOf<T>(IEnumerable<ParameterGroup<T>?> groups)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        groups
            .SelectMany(g => g is null ? [] : g.Parameters.AsEnumerable())
            .Select(p => p.Buffer.Owner)
            .OfType<DeviceBuffer<T>>()
            .FirstOrDefault()
            ?.Backend;
}
