using NativeRanger.Cli.Functions;

namespace NativeRanger.Cli.Trajectories;

/// <summary>A point of the plane.</summary>
internal readonly record struct Point(double X, double Y)
{
    public static Point Of(double[] x) => new(x[0], x[1]);
}

/// <summary>What a sync does, and what the inner optimizer would have done instead.</summary>
/// <param name="From">The fast weights that the sync meets.</param>
/// <param name="To">The slow weights after it, where the fast weights go.</param>
/// <param name="Plain">Where the inner optimizer's next step would have led without the sync.</param>
internal readonly record struct Sync(Point From, Point To, Point Plain);

/// <summary>The way of a Lookahead optimizer over a function of two variables.</summary>
/// <param name="Fast">The fast weights after every step, those that a sync meets included, from the start on.</param>
/// <param name="Slow">The slow weights: the start, and after every sync.</param>
/// <param name="Syncs">The syncs.</param>
/// <param name="End">The last point.</param>
/// <param name="Value">The value there.</param>
internal sealed record Trajectory(
    IReadOnlyList<Point> Fast,
    IReadOnlyList<Point> Slow,
    IReadOnlyList<Sync> Syncs,
    Point End,
    double Value
)
{
    /// <summary>Follows a recipe for some steps, or until a value or a gradient is not finite.</summary>
    public static Trajectory Follow(Problem problem, Lookahead recipe, int steps)
    {
        var objective = problem.CreateObjective();
        double[] x = [.. problem.Start];
        var gradient = new double[x.Length];
        var start = Point.Of(x);
        List<Point> fast = [start];
        List<Point> slow = [start];
        List<Sync> syncs = [];
        using var stepper = recipe.Bind(x);
        for (var t = 1; t <= steps; t++)
        {
            if (!double.IsFinite(objective(x, gradient)) || !Array.TrueForAll(gradient, double.IsFinite))
            {
                break;
            }

            if (t % recipe.Period != 0)
            {
                stepper.Step(gradient);
                fast.Add(Point.Of(x));
                continue;
            }

            var (met, plain) = WithoutSync(stepper, recipe, objective, gradient);
            stepper.Step(gradient);
            var after = Point.Of(x);
            fast.AddRange([met, after]);
            slow.Add(after);
            syncs.Add(new(met, after, plain));
        }

        return new(fast, slow, syncs, Point.Of(x), objective(x, gradient));
    }

    /// <summary>The next two points of the inner optimizer, in the state in which it is: with α = 1 a sync changes nothing.</summary>
    private static (Point Next, Point AfterNext) WithoutSync(
        Stepper<double> stepper,
        Lookahead recipe,
        Func<double[], double[], double> objective,
        double[] gradient
    )
    {
        using var state = new MemoryStream();
        stepper.Save(state);
        state.Position = 0;
        var x = new double[gradient.Length];
        double[] next = [.. gradient];
        using var inner = (recipe with { Blend = 1 }).Resume(
            x,
            state,
            options: new ResumeOptions { AllowChangedOptions = true }
        );
        inner.Step(next);
        var met = Point.Of(x);
        objective(x, next);
        inner.Step(next);
        return (met, Point.Of(x));
    }
}
