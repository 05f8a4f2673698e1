using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics.Reference;

/// <summary>From the raw gradient to the one that the moments see.</summary>
/// <remarks>
/// The order is: mean of the micro-batches, clip by value, clip by the global norm, adaptive clipping, L2 decay, centralise or
/// standardise.
/// </remarks>
internal static class GradientPreparation
{
    /// <summary>The part that looks at one element alone, and comes before the global norm.</summary>
    public static Vector<T> BeforeNorm<T>(Vector<T> sum, int microBatches, double? clipValue)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var gradient = microBatches > 1 ? sum.Times(Elementwise.Round<T>(1.0 / microBatches)) : sum;
        if (clipValue is { } limit)
        {
            var c = Elementwise.Round<T>(limit);
            // Comparisons with NaN are false, so NaN passes.
            gradient = gradient.Map(g => g > c ? c : g).Map(g => g < -c ? -c : g);
        }

        return gradient;
    }

    /// <summary>The part that comes after the global norm is known.</summary>
    /// <param name="gradient">What <see cref="BeforeNorm"/> gave.</param>
    /// <param name="norm">The norm over all parameters of all groups; not looked at where the recipe does not clip by it.</param>
    /// <param name="weights">The parameter.</param>
    /// <param name="parameter">Its shape.</param>
    /// <param name="recipe">Its options.</param>
    public static Vector<T> AfterNorm<T>(
        Vector<T> gradient,
        double norm,
        Vector<T> weights,
        Parameter<T> parameter,
        GradientOptimizer recipe
    )
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        if (recipe.ClipNorm is { } c && norm > c)
        {
            gradient = gradient.Times(Elementwise.Round<T>(c / norm));
        }

        if (recipe.AdaptiveClip is { } lambda)
        {
            var rows = Rows.Split(gradient, parameter.Rows)
                .Zip(Rows.Split(weights, parameter.Rows), (g, p) => RowTransforms.ClipAdaptively(g, p, lambda));
            gradient = Rows.Join([.. rows], parameter.Rows);
        }

        if (L2Decay(recipe) is not 0 and var decay)
        {
            gradient += weights.Times(Elementwise.Round<T>(decay));
        }

        if (StandardizationEpsilon(recipe, parameter) is { } epsilon)
        {
            return Rows.Map(gradient, parameter.Rows, row => RowTransforms.Standardize(row, epsilon));
        }

        return recipe.CentralizationTarget == CentralizationTarget.Gradient
            ? Centralize(gradient, parameter, recipe)
            : gradient;
    }

    /// <summary>Centralises the update, where the recipe asks for that instead of the gradient.</summary>
    public static Vector<T> OfUpdate<T>(Vector<T> update, Parameter<T> parameter, GradientOptimizer recipe)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        recipe.CentralizationTarget == CentralizationTarget.Update ? Centralize(update, parameter, recipe) : update;

    private static Vector<T> Centralize<T>(Vector<T> values, Parameter<T> parameter, GradientOptimizer recipe)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        Covers(recipe.Centralization, parameter) ? Rows.Map(values, parameter.Rows, RowTransforms.Centralize) : values;

    /// <summary>Whether rows of this parameter are transformed. A row of one element would always become 0 and never train.</summary>
    private static bool Covers<T>(Centralization centralization, Parameter<T> parameter)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var dimensions = parameter.Shape.Length;
        var covered = centralization switch
        {
            Centralization.All => dimensions > 1,
            Centralization.ConvOnly => dimensions > 3,
            _ => false,
        };
        return covered && parameter.Rows.RowLength > 1;
    }

    private static double? StandardizationEpsilon<T>(GradientOptimizer recipe, Parameter<T> parameter)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        if (recipe is SeedRanger seed)
        {
            return Covers(Centralization.All, parameter) ? seed.Epsilon : null;
        }

        var scope = recipe.Centralization == Centralization.None ? Centralization.All : recipe.Centralization;
        return recipe.Standardize && Covers(scope, parameter) ? recipe.StandardizationEpsilon : null;
    }

    /// <summary>λ where the decay is part of the gradient; 0 where the weights themselves decay.</summary>
    private static double L2Decay(GradientOptimizer recipe) =>
        recipe is AdamW or SeedRanger or RAdam { DecoupledWeightDecay: true } ? 0 : recipe.WeightDecay;
}
