using System.Runtime.CompilerServices;

namespace NativeRanger;

public sealed unsafe partial class Stepper<T>
{
    private readonly AccumulatedGradients<T> accumulated = new();

    /// <summary>One step of a stepper with a single parameter.</summary>
    /// <param name="gradient">The gradient, in the parameter's storage order.</param>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    /// <returns>False where the step was skipped (<see cref="NonFinitePolicy.SkipStep"/>).</returns>
    /// <exception cref="ArgumentNullException">The gradient is null.</exception>
    /// <exception cref="ArgumentException">The gradient has another length than the parameter, or shares memory with it.</exception>
    /// <exception cref="InvalidOperationException">There are several parameters, or another thread is stepping.</exception>
    /// <exception cref="NonFiniteGradientException">The policy is Throw and the gradient is not finite.</exception>
    public bool Step(T[] gradient, double? learningRate = null)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        return Step(new ReadOnlySpan<T[]?>(ref gradient!), learningRate);
    }

    /// <inheritdoc cref="Step(T[], double?)"/>
    public bool Step(ReadOnlySpan<T> gradient, double? learningRate = null)
    {
        RequireSingle();
        if (ZeroGradients)
        {
            throw new InvalidOperationException(
                $"{nameof(ZeroGradients)} writes to the gradient, and a read-only span cannot be written to."
            );
        }

        if (
            parameters[0].Length <= int.MaxValue
            && parameters[0].Buffer.Owner is null
            && gradient.Overlaps(parameters[0].Buffer.Slice(0, (int)parameters[0].Length))
        )
        {
            throw Overlap(0, parameters[0]);
        }

        fixed (T* address = gradient)
        {
            var only = new Gradient<T>(address, gradient.Length);
            return Run(new ReadOnlySpan<Gradient<T>>(in only), learningRate, microBatches: 1, cleared: true);
        }
    }

    /// <summary>One step of a stepper with a single parameter, with a gradient in the memory of its device.</summary>
    /// <remarks>Returns before the device has done the step; see <see cref="CudaBackend"/>.</remarks>
    /// <param name="gradient">The gradient, in the parameter's storage order.</param>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    /// <returns>
    /// False where the step was skipped (<see cref="NonFinitePolicy.SkipStep"/>); true also where that is not known yet:
    /// <see cref="SkippedSteps"/> waits until it is.
    /// </returns>
    /// <exception cref="CudaException">The device cannot go on.</exception>
    public bool Step(DeviceBuffer<T> gradient, double? learningRate = null)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        Gradient<T> only = gradient;
        return Step(new ReadOnlySpan<Gradient<T>>(in only), learningRate);
    }

    /// <summary>One step, with one gradient per parameter.</summary>
    /// <param name="gradients">The gradients, in bind order; a null one skips its parameter.</param>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    /// <returns>False where the step was skipped (<see cref="NonFinitePolicy.SkipStep"/>).</returns>
    /// <exception cref="ArgumentException">The count or a length is wrong, or a gradient shares memory with a parameter.</exception>
    /// <exception cref="InvalidOperationException">Another thread is stepping.</exception>
    /// <exception cref="NonFiniteGradientException">The policy is Throw and a gradient is not finite.</exception>
    public bool Step(ReadOnlySpan<T[]?> gradients, double? learningRate = null)
    {
        Enter();
        try
        {
            Take(gradients);
            return RunEntered(gradientScratch, learningRate, microBatches: 1, cleared: false, taken: true);
        }
        finally
        {
            Exit();
        }
    }

    /// <inheritdoc cref="Step(ReadOnlySpan{T[]}, double?)"/>
    public bool Step(T[]?[] gradients, double? learningRate = null)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        return Step((ReadOnlySpan<T[]?>)gradients, learningRate);
    }

    /// <inheritdoc cref="Step(ReadOnlySpan{T[]}, double?)"/>
    public bool Step(ReadOnlySpan<Gradient<T>> gradients, double? learningRate = null) =>
        Run(gradients, learningRate, microBatches: 1, cleared: false);

    /// <summary>Evaluates a closure, which fills the gradient, then steps; a stepper with a single parameter.</summary>
    /// <typeparam name="TLoss">What the closure returns.</typeparam>
    /// <param name="closure">Computes the loss at the present parameters and stores its gradient. If it throws, nothing has changed.</param>
    /// <param name="gradient">Where the closure stores the gradient.</param>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    /// <returns>What the closure returned.</returns>
    public TLoss Step<TLoss>(Func<TLoss> closure, T[] gradient, double? learningRate = null)
    {
        var loss = Evaluate(closure);
        Step(gradient, learningRate);
        return loss;
    }

    /// <summary>Evaluates a closure, which fills the gradients, then steps.</summary>
    /// <inheritdoc cref="Step{TLoss}(Func{TLoss}, T[], double?)"/>
    /// <param name="closure">Computes the loss at the present parameters and stores its gradients. If it throws, nothing has changed.</param>
    /// <param name="gradients">Where the closure stores the gradients, in bind order; a null one skips its parameter.</param>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    public TLoss Step<TLoss>(Func<TLoss> closure, T[]?[] gradients, double? learningRate = null)
    {
        var loss = Evaluate(closure);
        Step(gradients, learningRate);
        return loss;
    }

    private bool Run(ReadOnlySpan<Gradient<T>> gradients, double? learningRate, int microBatches, bool cleared)
    {
        Enter();
        try
        {
            return RunEntered(gradients, learningRate, microBatches, cleared);
        }
        finally
        {
            Exit();
        }
    }

    private bool RunEntered(
        ReadOnlySpan<Gradient<T>> gradients,
        double? learningRate,
        int microBatches,
        bool cleared,
        bool accumulatedByEngine = false,
        bool taken = false
    )
    {
        try
        {
            if (!(taken && scratchIsKnown) || ZeroGradients || evaluating)
            {
                RequireGradients(gradients, cleared);
                scratchIsKnown |= taken;
            }

            SetRates(learningRate);
        }
        catch (Exception invalid)
        {
            engine.Refuse(invalid);
            throw;
        }

        var request = new StepRequest<T>
        {
            Gradients = gradients,
            Held = taken ? gradientScratch : null,
            LearningRates = rates,
            MicroBatches = microBatches,
            Accumulated = accumulatedByEngine,
            StepCount = StepCount,
            ZeroGradients = ZeroGradients,
        };
        if (!engine.Step(request))
        {
            skippedSteps++;
            return false;
        }

        stepCount++;
        return true;
    }

    /// <summary>The closure's value; a closure that throws is a step that fails.</summary>
    private TLoss Evaluate<TLoss>(Func<TLoss> closure)
    {
        ArgumentNullException.ThrowIfNull(closure);
        ObjectDisposedException.ThrowIf(disposed, this);
        try
        {
            return closure();
        }
        catch (Exception failure)
        {
            engine.Refuse(failure);
            throw;
        }
    }

    /// <summary>Puts arrays into the scratch list of gradients. Mostly they are those of the last step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Take(ReadOnlySpan<T[]?> gradients)
    {
        if (gradients.Length != parameters.Count)
        {
            throw Refused(WrongCount(gradients.Length));
        }

        var scratch = gradientScratch;
        for (var i = 0; i < gradients.Length && i < scratch.Length; i++)
        {
            if (!ReferenceEquals(scratch[i].Array, gradients[i]))
            {
                scratch[i] = gradients[i];
                scratchIsKnown = false;
            }
        }
    }

    private void RequireGradients(ReadOnlySpan<Gradient<T>> gradients, bool cleared)
    {
        if (evaluating)
        {
            throw new InvalidOperationException(
                "The parameters hold other weights for evaluation; dispose the scope before stepping."
            );
        }

        RequireCount(gradients.Length);
        for (var i = 0; i < gradients.Length; i++)
        {
            ref readonly var gradient = ref gradients[i];
            if (gradient.IsNone || guard.IsKnown(i, gradient))
            {
                continue;
            }

            if (gradient.Length != parameters[i].Length)
            {
                throw new ArgumentException(
                    $"The gradient of parameter '{parameters[i].Name}' has {gradient.Length} elements; the parameter has {parameters[i].Length}.",
                    nameof(gradients)
                );
            }

            if (gradient.Buffer.Owner is not null)
            {
                RequireReachable(parameters[i].Name, gradient.Buffer);
            }

            if (!cleared && guard.FindOverlap(i, gradient) is { } parameter)
            {
                throw Overlap(i, parameter);
            }
        }

        if (ZeroGradients && guard.FindShared(gradients) is var (first, second))
        {
            throw new ArgumentException(
                $"The gradients of parameters '{parameters[first].Name}' and '{parameters[second].Name}' share memory, and "
                    + $"{nameof(ZeroGradients)} writes to them.",
                nameof(gradients)
            );
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RequireCount(int count)
    {
        if (count != parameters.Count)
        {
            throw WrongCount(count);
        }
    }

    /// <summary>What a call is to throw, of which the engine has heard.</summary>
    private Exception Refused(Exception invalid)
    {
        engine.Refuse(invalid);
        return invalid;
    }

    private ArgumentException WrongCount(int count) =>
        new(
            $"{count} gradients were given; the stepper has {parameters.Count} parameters (use null for one without a gradient).",
            "gradients"
        );

    private void RequireSingle()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (parameters.Count != 1)
        {
            throw new InvalidOperationException(
                $"The stepper has {parameters.Count} parameters; give it one gradient for each (null for one without a gradient)."
            );
        }
    }

    private ArgumentException Overlap(int gradient, Parameter<T> parameter) =>
        new(
            $"The gradient of parameter '{parameters[gradient].Name}' shares memory with parameter '{parameter.Name}'.",
            nameof(gradient)
        );

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SetRates(double? learningRate)
    {
        if (learningRate is { } replacement && !(double.IsFinite(replacement) && replacement >= 0))
        {
            throw WrongRate(replacement);
        }

        var factor = 1.0;
        if (Schedule is { } schedule)
        {
            factor = schedule(StepCount);
            if (!(double.IsFinite(factor) && factor >= 0))
            {
                throw WrongFactor(factor);
            }
        }

        for (var i = 0; i < rates.Length; i++)
        {
            var group = groups[i];
            rates[i] = (learningRate is { } rate && !group.OwnsLearningRate ? rate : group.LearningRate) * factor;
        }
    }

    private static ArgumentOutOfRangeException WrongRate(double learningRate) =>
        new(
            nameof(learningRate),
            learningRate,
            $"The learning rate must be finite and at least 0; it is {learningRate:R}."
        );

    private InvalidOperationException WrongFactor(double factor) =>
        new($"The schedule gives {factor:R} at step {StepCount}; it must be finite and at least 0.");
}
