using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using NativeRanger.Numerics.Minimization;

namespace NativeRanger.Numerics;

/// <summary>
/// Minimises smooth functions by the steps of any recipe. It takes the place of MathNet's <see cref="BfgsMinimizer"/>:
/// <c>new FirstOrderMinimizer(new Adam { LearningRate = 0.05 })</c>.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>A run ends by one of MathNet's own criteria or at a limit, and then returns the best point it has seen with the true
/// reason (<see cref="FirstOrderResult.StoppedBy"/>). No limit throws.</item>
/// <item>The criteria, at point x with value f and gradient g, after a step from x': <c>max |gᵢ|·max(|xᵢ|, 1) / max(|f|, 1)</c> is
/// below <see cref="GradientTolerance"/>; <c>max |xᵢ - x'ᵢ| / max(|x'ᵢ|, 1)</c> is below <see cref="ParameterTolerance"/>; after
/// more than 500 steps, the value has fallen by less than <see cref="FunctionProgressTolerance"/>.</item>
/// <item>The initial guess is copied, and never changed. The result holds a fork of the objective at the best point.</item>
/// <item>The learning rate is the recipe's, times <see cref="Schedule"/>. It matters more than the choice of the recipe.</item>
/// <item>What an objective throws at the initial guess comes out as it is. Later it is the inner exception of a
/// <see cref="MinimizationException"/>, which holds the best point.</item>
/// <item>Every run has its own state: one minimizer may run on several threads, and within its own callback, as long as
/// its properties are not changed meanwhile.</item>
/// </list>
/// </remarks>
public sealed class FirstOrderMinimizer : IUnconstrainedMinimizer
{
    /// <summary>A minimizer that steps by a recipe.</summary>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="gradientTolerance">The relative gradient at which a run stops; 1e-5 by default, 0 for never.</param>
    /// <param name="parameterTolerance">The relative change of the point at which a run stops; 0, which is never, by default.</param>
    /// <param name="functionProgressTolerance">The decrease of the value at which a run stops; 0, which is never, by default.</param>
    /// <param name="maximumIterations">The steps at which a run stops; 10,000 by default.</param>
    /// <exception cref="ArgumentNullException">The recipe is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A tolerance or a limit is negative or not a number.</exception>
    public FirstOrderMinimizer(
        Optimizer optimizer,
        double gradientTolerance = 1e-5,
        double parameterTolerance = 0,
        double functionProgressTolerance = 0,
        int maximumIterations = 10_000
    )
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        Optimizer = optimizer;
        GradientTolerance = gradientTolerance;
        ParameterTolerance = parameterTolerance;
        FunctionProgressTolerance = functionProgressTolerance;
        MaximumIterations = maximumIterations;
    }

    /// <summary>The recipe.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The relative gradient below which a run stops; 0 for never.</summary>
    public double GradientTolerance
    {
        get;
        set => field = Tolerance(value);
    }

    /// <summary>The relative change of the point below which a run stops; 0 for never.</summary>
    /// <remarks>A step is about as long as the learning rate: a tolerance above it stops the run at once.</remarks>
    public double ParameterTolerance
    {
        get;
        set => field = Tolerance(value);
    }

    /// <summary>The decrease of the value below which a run stops, after more than 500 steps; 0 for never.</summary>
    public double FunctionProgressTolerance
    {
        get;
        set => field = Tolerance(value);
    }

    /// <summary>The steps at which a run stops; 0 evaluates the initial guess only.</summary>
    public int MaximumIterations
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>
    /// The evaluations that a run does not exceed, but for the first; without limit by default. One that gives value and
    /// gradient counts once, one of finite differences of n parameters 2n + 1 times.
    /// </summary>
    public long MaximumEvaluations
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = long.MaxValue;

    /// <summary>The wall time after which no further step is taken; null (default) for no limit.</summary>
    public TimeSpan? MaximumTime
    {
        get;
        set
        {
            if (value is { } time)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, nameof(value));
            }

            field = value;
        }
    }

    /// <summary>A factor on the learning rate as a function of the completed steps; null (default) for none.</summary>
    public Schedule? Schedule { get; set; }

    /// <summary>Told of every evaluated point, and able to stop the run; null (default) for nobody.</summary>
    public MinimizationCallback? Progress { get; set; }

    /// <summary>
    /// What happens when a value or a gradient holds an infinity or a NaN. <see cref="NonFinitePolicy.Throw"/> (default): at the
    /// initial guess MathNet's <see cref="EvaluationException"/>, later a <see cref="MinimizationException"/> with the best
    /// point. <see cref="NonFinitePolicy.SkipStep"/>: a stochastic run goes on with the next mini-batch; another run, which
    /// would only see the same again, returns the best point (<see cref="StopReason.NonFinite"/>).
    /// <see cref="NonFinitePolicy.Propagate"/>: the values enter the point; they are never the best.
    /// </summary>
    /// <remarks>It replaces the recipe's own policy.</remarks>
    public NonFinitePolicy NonFinite
    {
        get;
        set =>
            field = Enum.IsDefined(value)
                ? value
                : throw new ArgumentOutOfRangeException(nameof(value), value, "There is no such policy.");
    } = NonFinitePolicy.Throw;

    /// <summary>
    /// Whether objectives without a gradient get one of central differences, at 2n further evaluations. Off by default: they are
    /// refused by MathNet's <see cref="IncompatibleObjectiveException"/>.
    /// </summary>
    public bool UseFiniteDifferences { get; set; }

    /// <summary>
    /// The shape of the parameters as a row-major array, for recipes that treat rows: centralisation, standardisation, adaptive
    /// clipping. Empty (default) for a vector, of which nothing is centralised, since that would change the minimum.
    /// </summary>
    public ImmutableArray<long> Shape { get; set; } = [];

    /// <summary>What carries out the steps; null (default) for the native library.</summary>
    public Backend? Backend { get; set; }

    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Minimises an objective.</summary>
    /// <param name="objective">The objective; it must give a gradient unless <see cref="UseFiniteDifferences"/> is set.</param>
    /// <param name="initialGuess">Where to start; it stays as it is.</param>
    /// <param name="cancellation">Ends the run with the best point so far.</param>
    /// <exception cref="ArgumentNullException">The objective or the initial guess is null.</exception>
    /// <exception cref="IncompatibleObjectiveException">The objective gives no gradient.</exception>
    /// <exception cref="EvaluationException">The value or the gradient at the initial guess is not finite.</exception>
    /// <exception cref="MinimizationException">The run could not go on; it holds the best point.</exception>
    public FirstOrderResult FindMinimum(
        IObjectiveFunction objective,
        Vector<double> initialGuess,
        CancellationToken cancellation = default
    )
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(initialGuess);
        var evaluator = EvaluatorOf(objective, initialGuess.Count);
        return new FullRun(this, evaluator, initialGuess.ToArray(), cancellation).Execute();
    }

    /// <summary>Minimises a plain function, without any vectors.</summary>
    /// <param name="function">
    /// Gives the value at a point (the first array) and stores the gradient in the second, which holds zeros before. It may
    /// change neither length, and keeps neither array.
    /// </param>
    /// <param name="initialGuess">Where to start; it stays as it is.</param>
    /// <param name="cancellation">Ends the run with the best point so far.</param>
    /// <inheritdoc cref="FindMinimum(IObjectiveFunction, Vector{double}, CancellationToken)"/>
    public FirstOrderResult FindMinimum(
        Func<double[], double[], double> function,
        double[] initialGuess,
        CancellationToken cancellation = default
    )
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(initialGuess);
        var evaluator = new FunctionEvaluator(function, initialGuess.Length);
        return new FullRun(this, evaluator, initialGuess, cancellation).Execute();
    }

    /// <summary>Steps along the gradients of a sequence of mini-batches, one step for each.</summary>
    /// <remarks>
    /// The run ends at a limit, or with the sequence, which may be endless; the tolerances are not looked at. Values of different
    /// mini-batches cannot be compared, so that the last point that was evaluated is returned: each step is followed by an
    /// evaluation of the next mini-batch, the last step by another one of the last.
    /// </remarks>
    /// <param name="batches">An objective for each step; each must give a gradient unless <see cref="UseFiniteDifferences"/> is set.</param>
    /// <param name="initialGuess">Where to start; it stays as it is.</param>
    /// <param name="cancellation">Ends the run with the last point.</param>
    /// <exception cref="ArgumentException">There is no mini-batch.</exception>
    /// <inheritdoc cref="FindMinimum(IObjectiveFunction, Vector{double}, CancellationToken)"/>
    public FirstOrderResult FindMinimum(
        IEnumerable<IObjectiveFunction> batches,
        Vector<double> initialGuess,
        CancellationToken cancellation = default
    ) => Stochastic(batches, initialGuess, judge: null, cancellation);

    /// <summary>
    /// Steps along the gradients of a sequence of mini-batches, and lets another objective, such as the one over all data, judge
    /// which point is the best and whether a tolerance is met.
    /// </summary>
    /// <param name="batches">An objective for each step; each must give a gradient unless <see cref="UseFiniteDifferences"/> is set.</param>
    /// <param name="initialGuess">Where to start; it stays as it is.</param>
    /// <param name="judge">Evaluated at the start, after every so many steps and at the end.</param>
    /// <param name="judgeEvery">The steps between two such evaluations, at least 1: the mini-batches of an epoch, for example.</param>
    /// <param name="cancellation">Ends the run with the best point so far.</param>
    /// <exception cref="ArgumentException">There is no mini-batch.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="judgeEvery"/> is below 1.</exception>
    /// <inheritdoc cref="FindMinimum(IObjectiveFunction, Vector{double}, CancellationToken)"/>
    public FirstOrderResult FindMinimum(
        IEnumerable<IObjectiveFunction> batches,
        Vector<double> initialGuess,
        IObjectiveFunction judge,
        int judgeEvery,
        CancellationToken cancellation = default
    )
    {
        ArgumentNullException.ThrowIfNull(judge);
        ArgumentNullException.ThrowIfNull(initialGuess);
        ArgumentOutOfRangeException.ThrowIfLessThan(judgeEvery, 1);
        var evaluator = EvaluatorOf(judge, initialGuess.Count);
        return Stochastic(batches, initialGuess, new(evaluator, judgeEvery), cancellation);
    }

    MinimizationResult IUnconstrainedMinimizer.FindMinimum(IObjectiveFunction objective, Vector<double> initialGuess) =>
        FindMinimum(objective, initialGuess);

    internal Stepper<double> Bind(double[] point)
    {
        // Values and gradients are looked at before a step is taken, which need not look again.
        var recipe = Optimizer with
        {
            NonFinite = NonFinitePolicy.Propagate,
        };
        var stepper = recipe.Bind([new Parameter<double>("x", point, Shape.AsSpan())], Backend);
        stepper.Schedule = Schedule;
        return stepper;
    }

    internal IObjectiveFunction RequireGradient(IObjectiveFunction? objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        return objective.IsGradientSupported ? objective
            : UseFiniteDifferences ? new CentralDifferenceObjective(objective)
            : throw new IncompatibleObjectiveException(
                "Gradient not supported in objective function, but required by first-order steps; set "
                    + $"{nameof(UseFiniteDifferences)} for one of central differences."
            );
    }

    /// <summary>The evaluations that one of value and gradient takes, where it is not known of the objective.</summary>
    internal long CostAt(int length) => UseFiniteDifferences ? CentralDifferenceObjective.Cost(length) : 1;

    private ObjectiveEvaluator EvaluatorOf(IObjectiveFunction objective, int length)
    {
        var withGradient = RequireGradient(objective);
        return new(withGradient, withGradient == objective ? 1 : CentralDifferenceObjective.Cost(length));
    }

    private FirstOrderResult Stochastic(
        IEnumerable<IObjectiveFunction> batches,
        Vector<double> initialGuess,
        Judge? judge,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(initialGuess);
        using var sequence = batches.GetEnumerator();
        return new StochasticRun(this, sequence, judge, initialGuess.ToArray(), cancellation).Execute();
    }

    private static double Tolerance(double value, [CallerMemberName] string name = "") =>
        value >= 0
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 0; it is {value}.");
}
